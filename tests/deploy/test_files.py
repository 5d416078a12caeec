"""The files of real installations fit each other, and the server."""

import re
import subprocess
import sys
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from hubbub.config.reading import SECTIONS, load, variable
from tests.architecture.tree import ROOT, tracked

DEPLOY = ROOT / "deploy"
SETTINGS = {
    variable(section, field)
    for section, kind in SECTIONS.items()
    for field in kind.__struct_fields__
}
Service = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """As YAML has it: with its anchors, without what the environment would add."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = compose["services"]
    return found


def address(service: Service) -> str:
    found: str = service["networks"]["default"]["ipv4_address"]
    return found


def nodes(services: dict[str, Service]) -> list[Service]:
    return [service for name, service in services.items() if name.startswith("hubbub-")]


def test_haproxy_knows_every_server_and_they_trust_it(services: dict[str, Service]) -> None:
    known = services["haproxy"]["environment"]
    named = [known[name] for name in sorted(known) if name.startswith("PROXY_NODE_")]
    assert named == [f"{address(node)}:8080" for node in nodes(services)]
    for node in nodes(services):
        assert node["environment"]["HUBBUB_SERVER_TRUSTED_PROXIES"] == address(services["haproxy"])


def test_addresses_are_of_the_network(compose: dict[str, Any]) -> None:
    (network,) = compose["networks"]["default"]["ipam"]["config"]
    placed = [address(each) for each in compose["services"].values() if "networks" in each]
    assert len(set(placed)) == len(placed) == 4
    assert all(ip_address(each) in ip_network(network["subnet"]) for each in placed)


def test_what_is_set_is_a_setting(services: dict[str, Service]) -> None:
    for node in nodes(services):
        assert set(node["environment"]) <= SETTINGS
    head = (DEPLOY / "haproxy.cfg").read_text()
    for name in services["haproxy"]["environment"]:
        assert f"${{{name}" in head, name


def test_only_haproxy_is_reached_and_only_from_here(services: dict[str, Service]) -> None:
    reached = {name: each["ports"] for name, each in services.items() if "ports" in each}
    assert reached == {"haproxy": ["${HUBBUB_LISTEN:-127.0.0.1:8080}:8080"]}


def test_no_password_is_written_down(services: dict[str, Service]) -> None:
    for service in services.values():
        for name in service.get("environment", {}):
            assert not re.search(r"PASSWORD|SECRET|TOKEN", name) or name.endswith("_FILE")


def test_mounted_files_are_there(compose: dict[str, Any]) -> None:
    mounts = [v for each in compose["services"].values() for v in each.get("volumes", ())]
    for source in {mount.split(":")[0] for mount in mounts if not mount.startswith("$")}:
        assert source in compose["volumes"] or (DEPLOY / source).is_file(), source


def test_passwords_are_made_once_and_for_both_sides(tmp_path: Path) -> None:
    def made() -> dict[str, str]:
        subprocess.run(["sh", DEPLOY / "secrets.sh", tmp_path], check=True)
        return {path.name: path.read_text() for path in tmp_path.iterdir()}

    first = made()
    assert made() == first
    config = load(tmp_path / "hubbub.toml", {}, {})
    database, valkey = urlsplit(config.database.url), urlsplit(config.valkey.url)
    assert (database.hostname, valkey.hostname) == ("postgres", "valkey")
    assert database.password == first["postgres"]
    assert first["valkey.conf"].splitlines()[0] == f"requirepass {valkey.password}"
    for password in (database.password, valkey.password):
        assert re.fullmatch(r"[\w-]{32}", password or "")
    assert database.password != valkey.password


def test_the_image_gets_all_that_the_packages_are_built_of() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    taken = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert taken <= {name.split("/")[0] for name in tracked()}
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    wanted = build["targets"]["sdist"]["include"]
    assert {name.strip("/").split("/")[0] for name in wanted} <= taken


UNIT = DEPLOY / "systemd/hubbub@.service"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """With a program that is there."""
    program = str(Path(sys.executable).parent / "hubbub")
    copy = tmp_path / "hubbub@8080.service"
    copy.write_text(UNIT.read_text().replace("/opt/hubbub/bin/hubbub", program))
    return copy


def analyzed(*words: str | Path) -> str:
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def test_systemd_understands_the_unit(unit: Path) -> None:
    assert str(unit) not in analyzed("verify", unit)


def test_the_unit_may_do_little(unit: Path) -> None:
    """Its exposure, of 100, as systemd sees it; a unit without any bounds has 96."""
    analyzed("security", "--offline=yes", "--threshold=15", unit)


def test_the_unit_lets_people_go(unit: Path) -> None:
    said = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line)
    assert said["KillMode"] == "mixed"
    assert int(said["TimeoutStopSec"]) >= 30
    assert int(said["LimitNOFILE"]) > 2 * 18_000
