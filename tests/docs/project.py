"""A folder that looks like this project's, for examples that are pasted there."""

import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.architecture.tree import ROOT, tracked

OURS = {"hubbub", "hubbub-client", "hubbub-protocol", "hubbub-terminal"}


def project(folder: Path, *, whole: bool) -> None:
    """Its environment, and with `whole` a copy of all its files."""
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith(".ready"):
            (folder / ".venv" / part.name).symlink_to(part)
    if not whole:
        return
    for name in tracked():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
        shutil.copymode(ROOT / name, folder / name)
    for kind in ("run", "dev"):
        (folder / ".venv" / f".ready-{kind}").touch()


def needed(folder: Path) -> dict[str, str]:
    """The environment of an installer that finds here what our packages need, and nothing else.

    So a fresh environment is filled without a network, and lacks what no package asks for.
    """
    folder.mkdir()
    for found in {each.metadata["Name"]: each for each in _needed("hubbub", set())}.values():
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            target = folder / top
            if not target.exists():
                target.symlink_to(Path(str(found.locate_file(top))))
    return {"PYTHONPATH": str(folder), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""}


def _needed(name: str, seen: set[str]) -> Iterator[Distribution]:
    """The distributions that this one needs, its own needs included."""
    name = re.sub(r"[-_.]+", "-", name).lower()
    if name in seen:
        return
    seen.add(name)
    found = distribution(name)
    if name not in OURS:
        yield found
    for line in found.requires or ():
        needs = Requirement(line)
        if needs.marker is None or needs.marker.evaluate({"extra": ""}):
            yield from _needed(needs.name, seen)
