"""`hubbub chat` is the one command that needs what a terminal client is built on."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from hubbub.cli import COMMANDS, main

OTHERS = sorted(set(COMMANDS.values()))


def test_no_command_loads_it_before_it_is_wanted() -> None:
    program = f"""
import importlib, sys
for name in {OTHERS!r}:
    importlib.import_module(name)
found = {{"textual", "hubbub_terminal"}} & set(sys.modules)
sys.exit(f"loaded: {{found}}" if found else 0)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_it_the_command_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hubbub_terminal", None)
    result = CliRunner().invoke(main, ["chat"])
    assert result.exit_code == 1
    assert "pip install 'hubbub[chat]'" in result.output


def test_what_is_no_address_is_refused() -> None:
    result = CliRunner().invoke(main, ["chat", "--url", "ftp://h"])
    assert result.exit_code == 1
    assert "An address begins with http://" in result.output
