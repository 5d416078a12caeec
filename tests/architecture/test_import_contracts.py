"""The import contracts can fail: each is shown a small house with one wrong arrow."""

import grimp
import pytest

from tests.architecture.tree import read
from tools.import_contracts import forbidden_arrows, parts, strangers

DOMAIN = ("hubbub.domain.log", "hubbub_protocol.ids")
RIGHT = [
    DOMAIN,
    ("hubbub.domain.log", "hubbub.domain.chat"),
    ("hubbub.adapters.sqlite.store", "hubbub.domain.log"),
    ("hubbub.adapters.sqlite.store", "apsw"),
]


def house(*arrows: tuple[str, str]) -> grimp.ImportGraph:
    graph = grimp.ImportGraph()
    for importer, imported in arrows:
        for name in (importer, imported):
            steps = name.split(".")
            for depth in range(len(steps)):
                graph.add_module(".".join(steps[: depth + 1]))
        graph.add_import(
            importer=importer, imported=imported, line_number=1, line_contents=f"import {imported}"
        )
    return graph


def test_a_right_house_passes() -> None:
    graph = house(*RIGHT)
    assert forbidden_arrows(graph, "hubbub.domain", ["hubbub_protocol.ids"]) == []
    assert forbidden_arrows(graph, "hubbub.adapters.*", ["hubbub.domain", "hubbub.ports"]) == []
    assert strangers(graph, ["apsw"], ["hubbub.adapters.sqlite"]) == []


@pytest.mark.parametrize(
    ("source", "may_import", "never", "wrong"),
    [
        ("hubbub.domain", ["hubbub_protocol.ids"], [], ("hubbub.domain.x", "hubbub.ports")),
        ("hubbub.domain", ["hubbub_protocol.ids"], [], ("hubbub.domain.x", "hubbub_protocol.id")),
        ("hubbub.domain", ["hubbub_protocol.ids"], [], ("hubbub.domain.x", "hubbub_protocol")),
        ("hubbub.domain", ["hubbub_protocol.ids"], ["asyncio"], ("hubbub.domain.x", "asyncio")),
        ("hubbub.adapters.*", [], [], ("hubbub.adapters.memory", "hubbub.adapters.sqlite.store")),
        ("hubbub.ports", [], [], ("hubbub.ports", "hubbub.adapters.sqlite")),
    ],
)
def test_a_wrong_arrow_is_found(
    source: str, may_import: list[str], never: list[str], wrong: tuple[str, str]
) -> None:
    assert forbidden_arrows(house(DOMAIN, wrong), source, may_import, never) == [wrong]


def test_a_stranger_with_the_driver_is_found() -> None:
    wrong = ("hubbub.actions.send", "apsw")
    assert strangers(house(*RIGHT, wrong), ["apsw"], ["hubbub.adapters.sqlite"]) == [wrong]


def test_what_is_not_there_breaks_nothing() -> None:
    graph = house(DOMAIN)
    assert parts(graph, "hubbub.delivery") == parts(graph, "hubbub.adapters.*") == []
    assert strangers(graph, ["redis"], ["hubbub.adapters.valkey"]) == []


def test_every_part_of_the_house_has_its_arrows() -> None:
    contracts = read("pyproject.toml")
    for part in ("domain", "actions", "ingest", "delivery", "adapters.*", "entry", "ports", "cli"):
        assert f'source = "hubbub.{part}"' in contracts
