"""Every Python file keeps the rules, and every rule is able to find what it forbids."""

from collections.abc import Iterator

import pytest

from tests.architecture.doors import BROAD_EXCEPTS, LONG_FILES, TASKS
from tests.architecture.rules import (
    Finding,
    Rule,
    broad_excepts,
    late_imports,
    sleeps,
    stray_tasks,
)
from tests.architecture.snippets import SNIPPETS, Snippet
from tests.architecture.tree import CODE, ROOT, parse, python_files, read

LIMIT = 400
WIRING = "src/hubbub/wiring"


def findings(rule: Rule, names: list[str]) -> Iterator[tuple[str, Finding]]:
    for name in names:
        for finding in rule(parse(name)):
            yield name, finding


def told(found: list[tuple[str, Finding]]) -> str:
    return "\n".join(f"{name}:{it.line} in {it.where}: {it.what}" for name, it in found)


def behind_doors(rule: Rule, doors: dict[str, str]) -> tuple[list[tuple[str, Finding]], set[str]]:
    """What breaks the rule elsewhere, and the doors that nothing uses."""
    unused, strangers = set(doors), []
    for name, finding in findings(rule, python_files(*CODE)):
        door = f"{name}::{finding.where}"
        unused.discard(door)
        if door not in doors:
            strangers.append((name, finding))
    return strangers, unused


def too_long(texts: dict[str, str], limit: int = LIMIT) -> list[str]:
    return [name for name, text in texts.items() if len(text.splitlines()) > limit]


def missing_inits(names: list[str]) -> set[str]:
    """Folders below a package that would be left out of it, and of every check of imports."""
    folders = {name.rpartition("/")[0] for name in names}
    return {folder for folder in folders if f"{folder}/__init__.py" not in names}


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.name)
def test_rule_finds_what_it_forbids_and_nothing_else(snippet: Snippet) -> None:
    found = [(finding.where, finding.what) for finding in snippet.rule(snippet.tree)]
    assert found == snippet.found


def test_imports_stand_at_the_top() -> None:
    names = [name for name in python_files(*CODE) if not name.startswith(WIRING)]
    found = list(findings(late_imports, names))
    assert not found, told(found)


def test_everything_is_caught_only_at_named_doors() -> None:
    strangers, unused = behind_doors(broad_excepts, BROAD_EXCEPTS)
    assert not strangers, told(strangers)
    assert not unused, f"doors.py names what is gone: {unused}"


def test_tasks_belong_to_a_group() -> None:
    strangers, unused = behind_doors(stray_tasks, TASKS)
    assert not strangers, told(strangers)
    assert not unused, f"doors.py names what is gone: {unused}"


def test_tests_do_not_sleep() -> None:
    found = list(findings(sleeps, python_files("tests")))
    assert not found, told(found)


def test_files_are_small() -> None:
    long = set(too_long({name: read(name) for name in python_files(*CODE)}))
    assert not long - set(LONG_FILES), f"over {LIMIT} lines: {long - set(LONG_FILES)}"
    assert not set(LONG_FILES) - long, f"doors.py names what is short: {set(LONG_FILES) - long}"


def test_a_long_file_is_found() -> None:
    assert too_long({"fits.py": "pass\n" * LIMIT, "long.py": "pass\n" * (LIMIT + 1)}) == ["long.py"]


def test_every_folder_of_a_package_belongs_to_it() -> None:
    assert missing_inits(["a/__init__.py", "a/b/c.py"]) == {"a/b"}
    assert (ROOT / "src/hubbub/__init__.py").is_file()
    clients = ("clients/python/src/hubbub_client", "clients/terminal/src/hubbub_terminal")
    packages = ("src/hubbub", "protocol/src/hubbub_protocol", *clients)
    assert not missing_inits(python_files(*packages))
