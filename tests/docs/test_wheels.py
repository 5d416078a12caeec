"""The packages hold what is in the tree, and say of themselves what is true."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, read, tracked

PACKAGES = {
    "hubbub": ("", "src/"),
    "hubbub_client": ("clients/python/", "clients/python/src/"),
    "hubbub_terminal": ("clients/terminal/", "clients/terminal/src/"),
    "hubbub_protocol": ("protocol/", "protocol/src/"),
}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_wheel_holds_the_package_and_its_papers(name: str, tmp_path: Path) -> None:
    folder, source = PACKAGES[name]
    uv = Path(sys.prefix) / "bin" / "uv"
    command = [str(uv), "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    # The source package first, and the wheel from it: so that is whole, too.
    subprocess.run([*command, "--out-dir", str(tmp_path), str(ROOT / folder)], check=True)
    version = read("VERSION").strip()
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        held = {each for each in archive.namelist() if ".dist-info/" not in each}
        papers = f"{name}-{version}.dist-info"
        told = Parser().parsestr(archive.read(f"{papers}/METADATA").decode())
        license_ = archive.read(f"{papers}/licenses/LICENSE").decode()
    ours = {each.removeprefix(source) for each in tracked() if each.startswith(source)}
    assert held == ours
    assert f"{name}/py.typed" in held
    assert license_ == read("LICENSE")
    assert told["Version"] == version
    assert told["License-Expression"] == "Apache-2.0"
    assert told.get_payload() == read(f"{folder}README.md")
