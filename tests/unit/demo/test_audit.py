"""What the books say of a server that keeps its promises, and of one that does not."""

import asyncio
from typing import cast

from hubbub.demo.audit import Audit
from hubbub_client import Api, MessageAccepted
from hubbub_protocol import rest
from hubbub_protocol.frames import Message

CHAT = "chat_1"


class Log:
    """The log of a chat, read a page at a time; each answer takes a turn of the loop."""

    def __init__(self, count: int) -> None:
        self.rows = [
            Message(f"msg_{seq}", CHAT, seq, seq, seq, "", None, [], "hello", "text", [], None)
            for seq in range(1, count + 1)
        ]

    async def events(self, chat_id: str, after: int) -> rest.EventPage:
        await asyncio.sleep(0)
        return rest.EventPage(list(self.rows[after:]), len(self.rows), False)


def accepted(number: int) -> MessageAccepted:
    return MessageAccepted(f"client {number}", f"msg_{number}", CHAT, "")


async def read(audit: Audit, log: Log, times: int = 1) -> tuple[int, int, int]:
    api = cast(Api, log)
    await asyncio.gather(*(audit.check(api) for _ in range(times)))
    audit.settled()
    return audit.lost, audit.doubled, audit.disordered


async def test_what_is_stored_and_acknowledged_is_well_however_many_read_at_once() -> None:
    audit = Audit({CHAT: 0})
    for number in (1, 2, 3):
        audit.heard("ann", accepted(number))
    assert await read(audit, Log(3), times=2) == (0, 0, 0)


async def test_what_is_not_there_is_lost_and_what_nobody_sent_is_there_twice() -> None:
    audit = Audit({CHAT: 0})
    for number in (1, 2, 4):
        audit.heard("ann", accepted(number))
    assert await read(audit, Log(3)) == (1, 1, 0)
