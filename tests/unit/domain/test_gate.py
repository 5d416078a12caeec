"""One sender's order survives refusals (G3)."""

import random

from hubbub.domain.gate import HOLD_SECONDS, MOST, SendGate

CHAT = ("chat",)
A, B, C = b"a" * 16, b"b" * 16, b"c" * 16


def test_what_follows_a_refused_send_waits_for_it() -> None:
    gate = SendGate()
    gate.close(CHAT, A, 1, now=0.0)
    assert gate.wait(CHAT, B, 2, now=1.0) == HOLD_SECONDS - 1.0
    assert gate.wait((8,), B, 2, now=1.0) == 0.0
    assert gate.wait(CHAT, A, 3, now=1.0) == 0.0
    assert gate.wait(CHAT, B, 4, now=1.0) == 0.0


def test_what_was_sent_before_passes() -> None:
    gate = SendGate()
    gate.close(CHAT, B, 2, now=0.0)
    assert gate.wait(CHAT, A, 1, now=0.0) == 0.0


def test_after_five_seconds_nothing_is_waited_for() -> None:
    gate = SendGate()
    gate.close(CHAT, A, 1, now=0.0)
    assert gate.wait(CHAT, B, 2, now=HOLD_SECONDS) == 0.0


def test_one_that_comes_late_still_goes_before_what_was_sent_after_it() -> None:
    gate = SendGate()
    gate.close(CHAT, A, 1, now=0.0)
    gate.close(CHAT, B, 2, now=0.1)
    late = HOLD_SECONDS + 0.05
    assert gate.wait(CHAT, A, 3, now=late) == 0.0
    assert gate.wait(CHAT, C, 4, now=late) > 0.0
    assert gate.wait(CHAT, B, 5, now=late) == 0.0


def test_one_refused_while_another_returns_is_waited_for_too() -> None:
    gate = SendGate()
    gate.close(CHAT, A, 1, now=0.0)
    # A comes again and stands in the queue; B is refused at the door, as too fast.
    gate.close(CHAT, B, 3, now=0.1)
    assert gate.wait(CHAT, A, 2, now=0.2) == 0.0
    assert gate.wait(CHAT, C, 4, now=0.3) > 0.0
    assert gate.wait(CHAT, B, 5, now=0.4) == 0.0
    assert gate.wait(CHAT, C, 6, now=0.5) == 0.0


def test_one_refused_again_keeps_its_turn() -> None:
    gate = SendGate()
    gate.close(CHAT, A, 1, now=0.0)
    gate.close(CHAT, B, 2, now=0.0)
    assert gate.wait(CHAT, A, 3, now=0.1) == 0.0
    gate.close(CHAT, A, 3, now=0.2)  # its commit failed
    assert gate.wait(CHAT, B, 4, now=0.3) > 0.0
    assert gate.wait(CHAT, A, 5, now=0.3) == 0.0


def test_the_gate_is_bounded() -> None:
    gate = SendGate()
    for order in range(3 * MOST):
        gate.close(CHAT, order.to_bytes(16), order, now=0.0)
        gate.close((order,), A, order, now=0.0)
    assert gate.wait((2 * MOST,), B, 3 * MOST, now=0.0) == 0.0
    returned = 0
    while gate.wait(CHAT, returned.to_bytes(16), 10_000, now=1.0) == 0.0 and returned < MOST:
        returned += 1
    assert returned == MOST


def test_whatever_is_refused_the_order_stays() -> None:
    for seed in range(200):
        rng = random.Random(seed)
        gate, order, passed = SendGate(), 0, list[int]()
        waiting = list(range(8))  # in the order in which they are first sent
        while waiting:
            for number in list(waiting):  # a client that sends again all that was refused
                order += 1
                client_id = number.to_bytes(16)
                if gate.wait(CHAT, client_id, order, 0.0) or rng.random() < 0.4:
                    gate.close(CHAT, client_id, order, 0.0)
                else:
                    passed.append(number)
                    waiting.remove(number)
        assert passed == sorted(passed), f"seed {seed}"
