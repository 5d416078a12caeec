"""What must hold after every fault: nothing acknowledged is lost, doubled or out of order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.faults.device import Device, all_faults
from tests.faults.people import Api

NODE_DIES = 3.0
"""Seconds within which sends succeed again (G9). We hold what is only Valkey's to it as well."""
DATABASE_FAILS_OVER = 15.0
"""The same after a failover of the database, and whatever else it does (G9)."""
Cursors = dict[str, tuple[int, int]]


async def check_nothing_lost(api: Api, devices: Sequence[Device]) -> None:
    """History holds each acknowledged message once, in its sender's order; views equal it."""
    for chat in sorted({chat for device in devices for chat in device.sent}):
        members = [d for d in devices if chat in d.view.messages or chat in d.sent]
        history = await api.history(members[0].person, chat)
        seqs = [m["seq"] for m in history]
        assert seqs == list(range(1, len(seqs) + 1)), f"positions of {chat} are not dense"
        ids = Counter(m["id"] for m in history)
        assert max(ids.values()) == 1, f"doubled: {ids.most_common(1)}"
        for device in members:
            _check_sent(history, device, chat)
            _check_view(history, device, chat)
    assert not all_faults(devices), "\n".join(all_faults(devices)[:20])


def _check_sent(history: Sequence[Mapping[str, Any]], device: Device, chat: str) -> None:
    """All that was sent was answered, so each of it is there, as it was answered, in order."""
    me = device.person.id
    mine = [m for m in history if m.get("sender_id") == me and m.get("message_type") != "system"]
    wanted = device.sent.get(chat, [])
    assert [m["content"] for m in mine] == [s.content for s in wanted]
    for message, sent in zip(mine, wanted, strict=True):
        assert sent.ack is not None
        for field in ("id", "chat_id", "created_at"):
            assert message[field] == sent.ack[field]


def _check_view(history: Sequence[Mapping[str, Any]], device: Device, chat: str) -> None:
    seen = device.view.messages.get(chat, {})
    away = {n for log, a, b in device.view.gaps if log == chat for n in range(a, b + 1)}
    for message in history:
        if message["seq"] in seen:
            assert seen[message["seq"]]["id"] == message["id"]
        else:
            lacks = f"{device.person.name} lacks {message['seq']}"
            assert message["seq"] in away, f"{lacks}: {device.view.around(chat, message['seq'])}"


def check_forward(before: Mapping[str, Cursors], after: Mapping[str, Cursors]) -> None:
    """No member's cursor in any chat went back."""
    for chat, cursors in before.items():
        for user, (delivered, read) in cursors.items():
            later = after[chat][user]
            assert later[0] >= delivered, f"{user} delivered {delivered}, then {later[0]}"
            assert later[1] >= read, f"{user} read {read}, then {later[1]}"
