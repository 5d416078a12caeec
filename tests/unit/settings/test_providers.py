"""Identity providers in the settings."""

import tomllib
from pathlib import Path

import pytest

from hubbub.config import BadConfig
from hubbub.config.example import explain
from hubbub.config.reading import load
from hubbub.domain.provider import Provider

CORP = {
    "HUBBUB_OIDC_CORP_ISSUER": "https://login.example/realms/staff",
    "HUBBUB_OIDC_CORP_CLIENT_ID": "hubbub",
    "HUBBUB_OIDC_CORP_CLIENT_SECRET": "nobody is to know this",
    "HUBBUB_OIDC_CORP_SCOPES": "openid profile, groups",
    "HUBBUB_OIDC_CORP_ALLOWED_GROUPS": "Chat users, Chat admins",
    "HUBBUB_OIDC_CORP_CREATE_USERS": "false",
}
READ = Provider(
    issuer="https://login.example/realms/staff",
    client_id="hubbub",
    client_secret="nobody is to know this",
    scopes=("openid", "profile", "groups"),
    allowed_groups=("Chat users", "Chat admins"),
    create_users=False,
)


def test_file_and_environment_go_together(tmp_path: Path) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text(
        '[oidc.google]\nissuer = "https://accounts.google.com"\nclient_id = "g"\n'
        'allowed_domains = ["corp.example"]\n[oidc.corp]\ntitle = "Corp"\nclient_id = "other"\n'
    )
    assert load(None, CORP, {}).oidc == {"corp": READ}
    both = load(file, CORP, {}).oidc
    assert set(both) == {"google", "corp"}
    assert (both["corp"].title, both["corp"].client_id) == ("Corp", "hubbub")
    assert both["google"].allowed_domains == ("corp.example",)


GOOD = "[oidc.a]\nissuer = 'https://x.example'\nclient_id = 'y'\n"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("[oidc]\nissuer = 'x'", "write [oidc.corp]"),
        ("[oidc.a]\nurl = 'x'", "no setting oidc.a.url; there are admin_group, allowed_domains"),
        ("[oidc.A-B]\nissuer = 'x'\nclient_id = 'y'", "1 to 32 of a-z and 0-9"),
        ("[oidc.a]\nissuer = 'https://x.example'", "needs issuer and client_id"),
        ("[oidc.a]\nissuer = 'http://x.example'\nclient_id = 'y'", "begins with https://"),
        (GOOD + "client_secret = 'a'\nclient_secret_file = 'b'", "not both"),
        (GOOD + "scopes = ['profile']", "needs openid"),
        (GOOD + "create_users = 'perhaps'", "create_users cannot be 'perhaps'"),
        (GOOD + GOOD.replace("oidc.a", "oidc.b"), "have the same issuer"),
        (GOOD + "[server]\nhost = '0.0.0.0'", "needs server.base_url"),
        (GOOD + "[server]\nbase_url = 'http://chat.example'", "server.base_url cannot be"),
    ],
)
def test_what_is_wrong_is_named(told: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text(told)
    with pytest.raises(BadConfig) as caught:
        load(file, {}, {})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "server",
    [
        {},
        {"base_url": "https://chat.example", "host": "0.0.0.0"},
        {"base_url": "http://localhost:9000"},
    ],
)
def test_where_people_come_back_to(server: dict[str, str]) -> None:
    assert load(None, CORP, {"server": server}).oidc


def test_a_variable_that_names_no_setting() -> None:
    with pytest.raises(BadConfig, match="HUBBUB_OIDC_CORP_SECRET"):
        load(None, {"HUBBUB_OIDC_CORP_SECRET": "x"}, {})


def test_what_is_printed_can_be_read_again_and_tells_no_secret(tmp_path: Path) -> None:
    assert "oidc" not in tomllib.loads(explain(load(None, {}, {})))
    printed = explain(load(None, CORP, {}))
    assert "nobody is to know this" not in printed
    file = tmp_path / "hubbub.toml"
    file.write_text(printed)
    secret = {"HUBBUB_OIDC_CORP_CLIENT_SECRET": CORP["HUBBUB_OIDC_CORP_CLIENT_SECRET"]}
    assert load(file, secret, {}).oidc == {"corp": READ}
