"""Revoked sessions are known at once, told once, and forgotten when their tokens are over."""

from hubbub.domain.revocation import Revocations


def test_watchers_hear_of_each_session_once() -> None:
    heard: list[int] = []
    revocations = Revocations(100)
    revocations.add([1], 0)
    revocations.watch(heard.append)
    revocations.add([1, 2, 3], 1)
    revocations.add([3], 2)
    assert heard == [2, 3]
    assert 2 in revocations
    assert 4 not in revocations


def test_they_are_forgotten_after_a_tokens_lifetime() -> None:
    revocations = Revocations(100)
    revocations.add([1], 0)
    revocations.add([2], 60)
    revocations.add([3], 100)
    assert 1 in revocations
    revocations.add([4], 101)
    assert 1 not in revocations
    assert len(revocations) == 3
