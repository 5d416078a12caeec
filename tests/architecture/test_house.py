"""The house itself: locked dependencies, one version, scripts that can be run."""

import os
import re
import tomllib

import pytest

from tests.architecture.tree import ROOT, read, tracked

SETS = ("setup", "run", "chat", "cluster", "dev", "bench")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==\S+", re.MULTILINE)
ADDRESS = re.compile(r"https?://|--(?:extra-)?index-url|--find-links")


def names(requirements: str) -> set[str]:
    """The packages that a list of requirements asks for."""
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in lines if not line.startswith("-"))
    return {normal(match[0]) for match in found if match}


def normal(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def unhashed(lock: str) -> list[str]:
    """The locked packages without a hash."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", lock)
    return [block.split()[0] for block in blocks if PINNED.match(block) and "--hash=" not in block]


@pytest.mark.parametrize("name", SETS)
def test_requirements_are_locked(name: str) -> None:
    asked, lock = read(f"requirements/{name}.in"), read(f"requirements/{name}.txt")
    assert not names(asked) - {normal(pin) for pin in PINNED.findall(lock)}, "type: make lock"
    assert not unhashed(lock)
    assert not ADDRESS.search(lock), "a lock holds no addresses"


def test_an_unlocked_requirement_is_found() -> None:
    assert names("-c run.txt\nPyJWT>=2  # why\n# no\nhttp_tools\n") == {"pyjwt", "http-tools"}
    assert unhashed("a==1 \\\n    --hash=sha256:0\nb==2\n") == ["b==2"]
    assert ADDRESS.search("--index-url https://example.org")


@pytest.mark.parametrize("folder", ["", "protocol/", "clients/python/", "clients/terminal/"])
def test_packages_ask_for_what_is_locked(folder: str) -> None:
    project = tomllib.loads(read(f"{folder}pyproject.toml"))["project"]
    ours = {"hubbub", "hubbub-protocol", "hubbub-client", "hubbub-terminal"}
    asked = names("\n".join(project["dependencies"]))
    assert not asked - ours - names(read("requirements/run.in") + read("requirements/chat.in"))
    assert "version" in project["dynamic"], "the version stands in VERSION alone"
    version = read("VERSION").strip()
    for line in project["dependencies"]:
        if names(line) & ours:
            assert line.endswith(f"=={version}"), "our packages fit each other at one version"
    assert (ROOT / folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (ROOT / folder / project["readme"]).is_file()


def test_scripts_can_be_run() -> None:
    scripts = [name for name in tracked() if name.startswith("tools/") and "." not in name[6:]]
    for name in [*scripts, ".ci/run"]:
        assert os.access(ROOT / name, os.X_OK), f"chmod +x {name}"
        assert "set -euo pipefail" in read(name)
