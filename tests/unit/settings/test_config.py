"""Settings: where they come from, what they may be, and what is said when they may not."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from hubbub import config as settings
from hubbub.config import BadConfig, Config, without_password
from hubbub.config.example import _reason, explain
from hubbub.config.reading import SECTIONS, load, variable


def refusal(
    toml: str = "", environment: dict[str, str] | None = None, tmp_path: Path | None = None
) -> str:
    file = None
    if tmp_path:
        file = tmp_path / "hubbub.toml"
        file.write_text(toml)
    with pytest.raises(BadConfig) as caught:
        load(file, environment or {}, {})
    return str(caught.value)


def test_nothing_given_is_all_defaults() -> None:
    config = load(None, {"PATH": "/bin", "HUBBUB_SEEDS": "200"}, {})
    assert config == Config()
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8080)
    assert (config.limits.content_bytes, config.limits.frame_bytes) == (16_384, 65_536)


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    tmp_path: Path,
) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text('[server]\nhost = "a"\nport = 1\ndata = "d"\n[limits]\nmedia = 3\n')
    environment = {"HUBBUB_SERVER_PORT": "2", "HUBBUB_SERVER_HOST": "b"}
    config = load(file, environment, {"server": {"host": "c"}})
    assert (config.server.host, config.server.port, config.server.data) == ("c", 2, "d")
    assert config.limits.media == 3


def test_values_in_the_environment() -> None:
    environment = {
        "HUBBUB_LIMITS_MESSAGES_PER_SECOND": "0",
        "HUBBUB_SERVER_ORIGINS": "https://a.example, https://b.example",
        "HUBBUB_AUTH_REGISTRATION": "closed",
        "HUBBUB_SERVER_HEARTBEAT": "12.5",
    }
    config = load(None, environment, {})
    assert config.limits.messages_per_second == 0
    assert config.server.origins == ("https://a.example", "https://b.example")
    assert config.auth.registration == "closed"
    assert config.server.heartbeat == 12.5


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[sever]\nport = 1", "no section [sever]; there are auth, database"),
        ("[server]\nprot = 1", "no setting server.prot; there are base_url"),
        ("server = 1", "server is a section"),
        ("[server", "is not TOML"),
        ('[server]\nport = "x"', "server.port cannot be 'x'"),
        ("[server]\nport = 65536", "server.port cannot be 65536: Expected `int` <= 65535"),
        ("[limits]\nmessages_per_second = -1", "limits.messages_per_second cannot be -1"),
        ('[auth]\nregistration = "all"', "auth.registration cannot be 'all'"),
        ("[server]\norigins = [1]", "server.origins cannot be [1]"),
        ('[server]\ntls_cert = "c.pem"', "tls_cert and server.tls_key go together"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, toml: str, says: str) -> None:
    assert says in refusal(toml, tmp_path=tmp_path)


def test_what_is_wrong_elsewhere_is_named(tmp_path: Path) -> None:
    assert "HUBBUB_SERVER_PROT" in refusal(environment={"HUBBUB_SERVER_PROT": "1"})
    assert "server.port cannot be 'x'" in refusal(environment={"HUBBUB_SERVER_PORT": "x"})
    with pytest.raises(BadConfig, match=r"gone\.toml cannot be read"):
        load(tmp_path / "gone.toml", {}, {})


def test_a_replica_is_one_of_a_database() -> None:
    told = {"HUBBUB_DATABASE_REPLICA_URL": "postgres://second/name"}
    assert "needs database.url" in refusal(environment=told)


def test_passwords_in_addresses_are_not_told() -> None:
    told = {
        "HUBBUB_DATABASE_URL": "postgres://me:hush@first/name",
        "HUBBUB_DATABASE_REPLICA_URL": "postgres://me:hush@second/name",
        "HUBBUB_VALKEY_URL": "redis://:hush@third:6379",
    }
    printed = explain(load(None, told, {}))
    assert "hush" not in printed
    assert "postgres://me@second/name" in printed


def test_passwords_are_not_told_wherever_they_stand() -> None:
    for address, told in (
        ("redis://:hu@hush@host", "redis://@host"),
        ("redis+sentinel://a:hush@b,c/d?sentinel_password=hush&db=1",
         "redis+sentinel://a@b,c/d?sentinel_password=&db=1"),
        ("postgres://a@b/c?sslpassword=hush", "postgres://a@b/c?sslpassword="),
        ("redis://host/0?password=hush", "redis://host/0?password="),
    ):  # fmt: skip
        assert without_password(address) == told


def test_messages_are_kept_for_ever_or_for_more_than_a_month() -> None:
    kept = {"HUBBUB_RETENTION_DAYS": "33"}
    assert "needs database.url" in refusal(environment=kept)
    stored = {"HUBBUB_DATABASE_URL": "postgres://host/name"}
    assert load(None, kept | stored, {}).retention.days == 33
    assert "or 33 or more" in refusal(environment={"HUBBUB_RETENTION_DAYS": "32"} | stored)


def test_what_is_printed_is_a_file_with_the_same_settings(tmp_path: Path) -> None:
    environment = {"HUBBUB_SERVER_PORT": "9", "HUBBUB_SERVER_ORIGINS": "https://ä.example"}
    config = load(None, environment, {})
    printed = explain(config)
    file = tmp_path / "hubbub.toml"
    file.write_text(printed, encoding="utf-8")
    assert load(file, {}, {}) == config
    assert "HUBBUB_SERVER_PORT; default 8080" in printed
    assert max(map(len, printed.splitlines())) <= 100


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_has_a_reason_and_is_printed(section: str) -> None:
    printed = explain(Config())
    found = tomllib.loads(printed)[section]
    for field in msgspec.structs.fields(SECTIONS[section]):
        assert field.name in found
        assert variable(section, field.name) in printed
        assert len(" ".join(_reason(field))) > len(field.name) + 30


@pytest.mark.parametrize(
    ("host", "mode"),
    [
        ("127.0.0.1", "open"),
        ("127.8.8.8", "open"),
        ("::1", "open"),
        ("localhost", "open"),
        ("0.0.0.0", "invite"),
        ("::", "invite"),
        ("", "invite"),
        ("192.0.2.1", "invite"),
        ("chat.example.org", "invite"),
    ],
)
def test_registration_is_open_on_this_machine_alone(host: str, mode: str) -> None:
    given = {"server": {"host": host}}
    assert settings.registration(load(None, {}, given)) == mode
    chosen = {**given, "auth": {"registration": "closed"}}
    assert settings.registration(load(None, {}, chosen)) == "closed"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://localhost:81"),
        ({"host": "0.0.0.0"}, "http://localhost:81"),
        ({"host": "192.0.2.1"}, "http://192.0.2.1:81"),
        ({"host": "2001:db8::1"}, "http://[2001:db8::1]:81"),
        ({"tls_cert": "c", "tls_key": "k", "host": "a.example"}, "https://a.example:81"),
        ({"base_url": "https://chat.example/"}, "https://chat.example"),
    ],
)
def test_what_links_begin_with(given: dict[str, str], url: str) -> None:
    assert settings.base_url(load(None, {}, {"server": given}), 81) == url


def test_usual_ports_are_not_written() -> None:
    config = load(None, {}, {"server": {"host": "a.example"}})
    assert settings.base_url(config, 80) == "http://a.example"
