"""The files that the architecture tests read."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = ("protocol/src", "clients", "src")


@cache
def tracked() -> tuple[str, ...]:
    """Every file of the project, relative to its root; what git ignores is not of the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(sorted(name for name in listed.split("\0") if name and (ROOT / name).is_file()))


def python_files(*folders: str) -> list[str]:
    """The Python files below `folders`."""
    return [name for name in tracked() if name.endswith(".py") and _below(name, folders)]


def _below(name: str, folders: tuple[str, ...]) -> bool:
    return any(name.startswith(f"{folder}/") for folder in folders)


def parse(name: str) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(read(name), filename=name)


def read(name: str) -> str:
    """The text of a file."""
    return (ROOT / name).read_text(encoding="utf-8")
