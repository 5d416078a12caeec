"""The client's folded state equals a refetch, whatever the network did (spec section 5, G3)."""

from random import Random

from hypothesis import given, note, settings
from hypothesis import strategies as st

from hubbub_client.events import State
from hubbub_protocol.frames import Me
from tests.unit.client.model import Model

WEIGHTS = {
    "post": 12, "edit": 6, "delete": 2, "pin": 2, "hide": 3, "join": 3, "leave": 2,
    "deliver": 16, "serve": 12, "lose": 3, "double": 3, "reorder": 3, "answer": 9, "fail": 1,
    "disconnect": 2, "wait": 4,
    "send": 6, "refuse": 1, "restart": 1, "tell": 1,
}  # fmt: skip


def step(model: Model, op: str, n: int) -> None:
    chat = model.chats[n % len(model.chats)]
    match op:
        case "post":
            model.post(chat)
        case "edit" | "delete" | "pin":
            model.amend(chat, op, n // 3)
        case "hide":
            model.hide(chat)
        case "join":
            model.join(chat)
        case "leave":
            model.leave(chat)
        case "deliver":
            model.deliver(n % 7 + 1)
        case "serve":
            model.serve(n % 5 + 1)
        case "lose" | "double" | "reorder":
            model.mangle(op, n)
        case "answer":
            model.answer(n)
        case "fail":
            model.answer(n, fail=True)
        case "disconnect":
            model.disconnect()
        case "wait":
            model.wait()
        case "send":
            if chat.joined is not None:
                model.send(chat)
        case "refuse":
            model.refuse_next = True
        case "restart":
            model.restart()
        case "tell":
            model.push_me(Me(0, "of-a-later-version", chat.id))


def settle(model: Model) -> None:
    """Let everything arrive, until nothing is on its way."""
    model.refuse_next = False
    for _ in range(500):
        model.serve(100)
        model.deliver(100)
        model.answer(0)
        idle = not (model.up or model.down or model.reads)
        logs, outbox = model.session.logs, model.session.outbox
        reading = any(reader.repairing for _, reader in logs._readers())
        if idle and not reading and model.session.state is State.LIVE and len(outbox) == 0:
            return
        if idle:
            model.wait()
    raise AssertionError("the client does not come to rest")


def check(model: Model) -> None:
    logs = model.session.logs
    assert logs.me.held == logs.me.place == model.me_head
    assert set(logs.chats) == {chat.id for chat in model.chats if chat.joined is not None}
    for chat in model.chats:
        mine = logs.chats.get(chat.id)
        joined = chat.joined
        if mine is None or joined is None:
            continue
        assert mine.log.held == mine.log.place == chat.head
        # Of an earlier stay an older state may be held: what changed between was not his to see.
        start = max(mine.from_seq, joined)
        expected = sorted((m for m in chat.visible() if m.seq >= start), key=lambda m: m.seq)
        assert [m for m in mine.messages if m.seq >= start] == expected
        # The order of sending is kept, each message is stored once, none is forgotten.
        assert len(set(model.accepted[chat.id])) == len(model.accepted[chat.id])
        accepted = [c for c in model.accepted[chat.id] if c not in model.refused]
        assert accepted == [c for c in model.sent[chat.id] if c not in model.refused]
        held = [m for m in mine.messages if m.seq >= joined]
        if held and joined >= mine.from_seq:
            assert mine.uncertain or mine.unread == sum(m.seq > mine.read for m in held)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**32), st.integers(20, 250))
def test_folded_state_equals_refetch(seed: int, steps: int) -> None:
    note(f"seed {seed}, {steps} steps")
    random = Random(seed)
    model = Model(seed)
    for op in random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=steps):
        step(model, op, random.randrange(60))
    finish(model)
    check(model)


def finish(model: Model) -> None:
    """No more faults; then one event more in each log, since a lost last one shows only so."""
    settle(model)
    last = model.chats[2]
    model.join(last) if last.joined is None else model.leave(last)
    for chat in model.chats:
        model.post(chat)
    settle(model)
