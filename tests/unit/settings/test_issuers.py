"""Host applications in the settings."""

import tomllib
from pathlib import Path

import pytest

from hubbub.config import BadConfig
from hubbub.config.example import explain
from hubbub.config.reading import load
from hubbub.domain.issuer import Issuer

JWKS = "https://login.example/jwks.json"
CORP = {
    "HUBBUB_ISSUERS_CORP_ISSUER": "https://corp.example",
    "HUBBUB_ISSUERS_CORP_JWKS_URL": JWKS,
    "HUBBUB_ISSUERS_CORP_SESSION_CLAIM": "device",
    "HUBBUB_ISSUERS_CORP_SKEW": "5",
}


def test_file_and_environment_go_together(tmp_path: Path) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text(
        '[issuers.default]\nissuer = "a"\nalgorithm = "HS256"\nkey_file = "x"\n'
        f'[issuers.corp]\nissuer = "b"\njwks_url = "{JWKS}"\nname_claim = "nick"\n'
    )
    config = load(file, CORP, {})
    assert config.issuers == {
        "default": Issuer(issuer="a", algorithm="HS256", key_file="x"),
        "corp": Issuer(
            issuer="https://corp.example",
            jwks_url=JWKS,
            session_claim="device",
            skew=5.0,
            name_claim="nick",
        ),
    }
    assert load(None, {}, {}).issuers == {}


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("[issuers]\na = 1", "write [issuers.default]"),
        ("issuers = 5", "write [issuers.default]"),
        ("[issuers.a]\nurl = 'x'", "no setting issuers.a.url; there are algorithm, audience"),
        ("[issuers.A-B]\nissuer = 'x'", "1 to 32 of a-z and 0-9"),
        ("[issuers.a]\nkey = 'x'\nalgorithm = 'HS256'", "needs issuer and audience"),
        ("[issuers.a]\nissuer = 'x'", "needs one of jwks_url, key and key_file"),
        ("[issuers.a]\nissuer = 'x'\nkey = 'y'\nkey_file = 'z'", "needs one of"),
        ("[issuers.a]\nissuer = 'x'\nkey = 'y'", "algorithm goes with key"),
        (f"[issuers.a]\nissuer = 'x'\njwks_url = '{JWKS}'\nalgorithm = 'RS256'", "algorithm goes"),
        ("[issuers.a]\nissuer = 'x'\nkey = 'y'\nalgorithm = 'none'", "algorithm cannot be 'none'"),
        ("[issuers.a]\nissuer = 'hubbub'\njwks_url = 'y'", "cannot be 'hubbub'"),
        ("[issuers.a]\nissuer = 'x'\nskew = -1", "skew cannot be -1"),
        (
            f"[issuers.a]\nissuer = 'x'\njwks_url = '{JWKS}'\n"
            f"[issuers.b]\nissuer = 'x'\njwks_url = '{JWKS}'",
            "have the same issuer",
        ),
    ],
)
def test_what_is_wrong_is_named(told: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text(told)
    with pytest.raises(BadConfig) as caught:
        load(file, {}, {})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "name", ["HUBBUB_ISSUERS_CORP_URL", "HUBBUB_ISSUERS_CORP", "HUBBUB_ISSUERS_"]
)
def test_a_variable_that_names_no_setting(name: str) -> None:
    with pytest.raises(BadConfig, match=name):
        load(None, {name: "x"}, {})


@pytest.mark.parametrize(
    ("url", "good"),
    [
        (JWKS, True),
        ("http://localhost:8081/keys", True),
        ("http://127.0.0.1/keys", True),
        ("http://[::1]:8081/keys", True),
        ("http://keycloak:8080/keys", True),
        ("http://login.example/keys", False),
        ("http://192.0.2.1/keys", False),
        ("http://[2001:db8::1]/keys", False),
        ("https://user:word@login.example/keys", False),
        ("ftp://keycloak/keys", False),
        ("file:///etc/keys", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_keys_come_by_a_way_on_which_nobody_changes_them(url: str, good: bool) -> None:
    told = CORP | {"HUBBUB_ISSUERS_CORP_JWKS_URL": url}
    if good:
        assert load(None, told, {}).issuers["corp"].jwks_url == url
    else:
        with pytest.raises(BadConfig, match="https://"):
            load(None, told, {})


def test_what_is_printed_can_be_read_again_and_tells_no_secret(tmp_path: Path) -> None:
    assert "[issuers" not in "".join(tomllib.loads(explain(load(None, {}, {}))))
    printed = explain(load(None, CORP, {}))
    assert "HUBBUB_ISSUERS_CORP_JWKS_URL" in printed
    file = tmp_path / "hubbub.toml"
    file.write_text(printed)
    assert load(file, {}, {}) == load(None, CORP, {})
    secret = "a secret that both of them know well"
    told = {
        "HUBBUB_ISSUERS_DEFAULT_ISSUER": "x",
        "HUBBUB_ISSUERS_DEFAULT_KEY": secret,
        "HUBBUB_ISSUERS_DEFAULT_ALGORITHM": "HS256",
    }
    assert secret not in explain(load(None, told, {}))
