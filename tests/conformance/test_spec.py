"""The files of `spec` agree with each other and with the code."""

import json
import re
import tomllib
from itertools import pairwise
from typing import Any

import pytest

from hubbub_protocol.codes import Close, Code, reconnect
from tests.conformance.conversations import SPEC, everything
from tools import schema

CLAUSE = re.compile(r"^\*\*(\d+(?:\.\d+)+)\*\* \S", re.MULTILINE)

# Clauses that cannot be shown in a conversation, with the reason.
SILENT = {
    "2.8": "speaks of what no client can tell apart",
    "2.10": "speaks of what an operator chooses; the contract suite holds it",
    "2.7": "speaks of load, which other tests make",
    "3.1.6": "speaks of what is not a call yet; tests/edge holds it",
    "3.6.1": "speaks of who runs the server; the authorization matrix and tests/e2e hold it",
    "3.6.2": "speaks of who runs the server; the contract suite and tests/e2e hold it",
    "3.6.3": "speaks of who runs the server; tests/e2e holds it",
    "4.7.2": "speaks of times that a client draws by lot; the client's own tests hold them",
    "5.1.1": "speaks of what a client stores; the client's own tests hold it",
}


def clauses() -> list[str]:
    return CLAUSE.findall((SPEC / "protocol.md").read_text(encoding="utf-8"))


def toml() -> dict[str, Any]:
    return tomllib.loads((SPEC / "codes.toml").read_text(encoding="utf-8"))


def test_clauses_are_numbered_in_order() -> None:
    numbers = [tuple(map(int, clause.split("."))) for clause in clauses()]
    assert len(numbers) > 50
    assert numbers == sorted(set(numbers))
    for before, after in pairwise(numbers):
        if before[:-1] == after[:-1]:
            assert after[-1] == before[-1] + 1, f"a number is missing before {after}"
        else:
            assert after[-1] == 1, f"{after} does not begin with 1"


def test_every_clause_has_a_conversation() -> None:
    shown = {clause for each in everything() for clause in each.head.clauses}
    known = set(clauses())
    assert shown <= known, f"no clause has these numbers: {sorted(shown - known)}"
    assert known - shown == set(SILENT), "show them, or say why they cannot be shown"


def test_every_conversation_says_something() -> None:
    for each in everything():
        assert each.head.clauses, each.name
        assert each.steps, each.name
        assert any(
            step.expect is not None or step.later is not None or step.expect_close or step.silence
            or step.ping or step.expect_ping or step.status
            for step in each.steps
        ), f"{each.name} expects nothing"  # fmt: skip


def frames_of(value: Any) -> set[str]:
    """The types of all frames in a line."""
    if isinstance(value, list):
        return {name for each in value for name in frames_of(each)}
    if isinstance(value, dict):
        return {str(value["type"])} if "type" in value else set()
    return set()


def test_every_frame_has_a_conversation() -> None:
    defs = schema.schema()["$defs"]
    sent, heard = (
        set(defs[name]["discriminator"]["mapping"]) for name in ("ClientFrame", "ServerFrame")
    )
    steps = [step for each in everything() for step in each.steps]
    assert sent <= {name for step in steps for name in frames_of(step.send)}
    told = [step.expect for step in steps if step.rest is None] + [step.later for step in steps]
    shown = {name for pattern in told for name in frames_of(pattern)}
    assert heard <= shown
    assert shown - heard == {"weather"}, "expects a frame that no server sends"


def test_frame_schema_is_that_of_the_types() -> None:
    written = schema.TARGET.read_text(encoding="utf-8")
    assert written == schema.text(), "type: .venv/bin/python -m tools.schema --write"
    assert json.loads(written)["$defs"]["Send"]["properties"]["type"] == {"enum": ["send"]}


@pytest.mark.parametrize("code", Code, ids=lambda code: code.value)
def test_error_codes_are_those_of_the_code(code: Code) -> None:
    said = toml()["error"][code.value]
    assert (said["status"], said["retryable"]) == (code.http_status, code.retryable)
    assert said["meaning"].endswith(".")
    assert said["action"].endswith(".")


def test_no_other_error_codes_are_told() -> None:
    assert set(toml()["error"]) == {code.value for code in Code}


def test_close_codes_are_those_of_the_code() -> None:
    told = {each["name"]: each["code"] for each in toml()["close"]}
    assert told == {close.name: close.value for close in Close}


def test_reconnect_rule_is_that_of_the_code() -> None:
    rules = toml()
    listed = {each["code"]: each["reconnect"] for each in rules["close"]}
    for code in range(1000, 5000):
        ranged = [r["reconnect"] for r in rules["range"] if r["first"] <= code <= r["last"]]
        told = listed.get(code, ranged[0] if ranged else "backoff")
        assert reconnect(code).value == told, code
