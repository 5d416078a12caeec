"""What `valkey.url` may say, and what is said of an address that is none."""

import pytest

from hubbub.adapters.valkey.addresses import Named, named


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("redis://a", ["redis://a"]),
        ("valkey://:p@a:1", ["redis://:p@a:1"]),
        ("valkeys://a/2", ["rediss://a/2"]),
        ("unix:///run/valkey.sock", ["unix:/run/valkey.sock"]),
        (
            "rediss://u:p@a:1,[::1]:2,c/0?ssl_check_hostname=no",
            ["rediss://u:p@a:1/0?ssl_check_hostname=no",
             "rediss://u:p@[::1]:2/0?ssl_check_hostname=no",
             "rediss://u:p@c/0?ssl_check_hostname=no"],
        ),
    ],
)  # fmt: skip
def test_servers(url: str, hosts: list[str]) -> None:
    assert named(url) == Named(hosts, hosts[0])


def test_sentinels() -> None:
    assert named("valkey+sentinel://u:p@a,[::1],c:1/main/2?db=3") == Named(
        ["redis://a:26379?db=3", "redis://[::1]:26379?db=3", "redis://c:1?db=3"],
        "redis://u:p@a/2?db=3",
        "main",
    )


def test_sentinels_have_passwords_of_their_own() -> None:
    options = "sentinel_username=me&sentinel_password=x%2Fy&ssl_check_hostname=no"
    found = named(f"rediss+sentinel://:p@a/our%20own?{options}")
    assert found == Named(
        ["rediss://me:x%2Fy@a:26379?ssl_check_hostname=no"],
        "rediss://:p@a/?ssl_check_hostname=no",
        "our own",
    )


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://a,b", "its scheme is none of"),
        ("http+sentinel://a/b", "its scheme is none of"),
        ("redis://a:1,b:none", "a port is no number"),
        ("redis://:hush/hush@a", "/ is written %2F"),
        ("redis://:hush[@a", "no address"),
        ("redis+sentinel://:hush@a,b", "the name by which the Sentinels know"),
        ("rediss://:hush@a?ssl_ca_cert=x", "there is no option ssl_ca_cert"),
        ("redis://:hush@a?ssl_ca_certs=x", "ssl_ca_certs, which goes with rediss://"),
        ("rediss://:hush@a?ssl_ca_certs=/nowhere", "certificates of /nowhere: .*No such file"),
        ("rediss://:hush@a?ssl_ca_certs=/dev/null", "certificates of /dev/null: "),
        ("rediss://:hush@a?ssl_cert_reqs=some", "Requirements Flag: some"),
        ("redis://:hush@a?db=one", "Invalid value for 'db'"),
    ],
)
def test_what_is_no_address(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        named(url)
    assert "hush" not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__
