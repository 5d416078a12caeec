"""Receipt counts of large chats: whoever is connected is told of all who passed (6.2.3)."""

from hubbub.domain import chat as chats
from hubbub_protocol.frames import CaughtUp, Message, ReceiptCounts, Resume
from tests.simulation.device import Device
from tests.simulation.history import History
from tests.simulation.stances import Stances
from tests.simulation.truth import Row, Truth


def judge(truth: Truth, device: Device, history: History, stances: Stances) -> list[str]:
    """At rest: the author of the newest message was told of no fewer than there are.

    More there may have been, who have left since.
    """
    told, user, wrong = _told(device, history), device.owner.user_id, []
    for chat in sorted(truth.chats_of(user)):
        newest = next((r for r in reversed(truth.logs[chat]) if r.type != "system"), None)
        if newest is None or newest.sender_id != user or not _large(truth, newest):
            continue
        seq, delivered, read = told.get(chat, (0, 0, 0))
        passed = _passed(truth, newest, stances)
        enough = seq == newest.seq and delivered >= passed[0] and read >= passed[1]
        if passed != (0, 0) and not enough and _concerns(device, history, newest):
            wrong.append(
                f"6.2.3: {device.name} was told {(seq, delivered, read)} of {chat},"
                f" {passed} have got and read {newest.seq}"
            )
    return wrong


def _large(truth: Truth, row: Row) -> bool:
    """Whether the chat was large when it was said, and is."""
    there = [
        any(since <= row.seq < (left or row.seq + 1) for since, left in stays)
        for (chat, _), stays in truth.stays.items()
        if chat == row.chat_id
    ]
    return min(sum(there), truth.heads[row.chat_id][2]) > chats.LARGE


def _told(device: Device, history: History) -> dict[str, tuple[int, int, int]]:
    """What was told last of each chat."""
    return {
        frame.chat_id: (frame.seq, frame.delivered, frame.read)
        for connection in history.connections
        if connection.device == device.name
        for _, way, frame in connection.frames
        if way == "got" and isinstance(frame, ReceiptCounts)
    }


def _concerns(device: Device, history: History, row: Row) -> bool:
    """Whether the device has asked since, or was there when the message came."""
    last = [c for c in history.connections if c.device == device.name][-1]
    live = False
    for _, way, frame in last.frames:
        if way == "sent" and isinstance(frame, Resume) and row.chat_id in frame.receipts:
            return True
        live = live or isinstance(frame, CaughtUp)
        if live and isinstance(frame, Message) and frame.id == row.id and frame.rev == row.seq:
            return True
    return False


def _passed(truth: Truth, row: Row, stances: Stances) -> tuple[int, int]:
    """Members who were there, and are."""
    delivered = read = 0
    for (chat, user), stays in truth.stays.items():
        there = any(since <= row.seq < (left or row.seq + 1) for since, left in stays)
        if chat == row.chat_id and user != row.sender_id and there and truth.present(chat, user):
            cursor = truth.cursors[chat, user]
            delivered += cursor[0] >= row.seq
            read += cursor[1] >= row.seq and not stances.were_silent(user, row.sender_id)
    return delivered, read
