"""Contract suites on real engines see each rule that is missing, and pass where none is."""

import subprocess
import sys

import pytest

NODES = "tests/contract/nodes/test_nodes.py"
LEASES = "tests/contract/nodes/test_leases.py"
WRITERS = "tests/contract/chats/test_postgres_writers.py"
PROGRAM = """
import sys, pytest
from contextlib import nullcontext
from tests.mutants import engines
name, *arguments = sys.argv[1:]
with getattr(engines, name, nullcontext)():
    sys.exit(pytest.main(arguments))
"""


def run(mutant: str, test: str) -> subprocess.CompletedProcess[str]:
    options = ("-q", "-n0", "-p", "no:cacheprovider", "--no-header")
    command = [sys.executable, "-c", PROGRAM, mutant, *options, test]
    return subprocess.run(command, capture_output=True, text=True, check=False)


MUTANTS = {
    "nodes_live_for_ever": (
        f"{NODES}::test_what_a_dead_node_held_is_held_no_more[valkey-killed]",
        "TimeoutError",
    ),
    "numbers_leased_for_ever": (
        f"{LEASES}::test_the_number_of_who_died_is_given_to_another",
        "servers use the database already",
    ),
    "every_chat_waited_for": (
        f"{WRITERS}::test_a_chat_that_somebody_holds_holds_up_no_other",
        "TimeoutError",
    ),
    "skipped_out_of_order": (f"{WRITERS}::test_all_write_to_a_few_chats", "posted == sent"),
}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutant_is_caught(mutant: str) -> None:
    test, expect = MUTANTS[mutant]
    caught = run(mutant, test)
    assert caught.returncode == pytest.ExitCode.TESTS_FAILED, caught.stdout + caught.stderr
    assert expect in caught.stdout
    passed = run("", test)
    assert passed.returncode == pytest.ExitCode.OK, passed.stdout + passed.stderr
