"""What a user is pushed, live, without what is said."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from hubbub.actions.references import read_cursor, write_cursor
from hubbub.domain.credentials import plain_username
from hubbub.domain.tracing import Heard
from hubbub.ports import Accounts, ChatReader
from hubbub_protocol import admin, ids
from hubbub_protocol.codes import Code, Refused

CHATS: Final = 50
SHOWN: Final = frozenset(
    re.findall(
        r"\w+",
        "type id chat_id seq rev number created_at sender_id message_type reply_to thread_id "
        "message_id at user_id is_typing delivered_to read_by delivered read unread "
        "unread_mentions kind member role joined_seq from to positions is_deleted edited_at "
        "pinned code retry_after",
    )
)
"""Fields of frames that tell nothing of what was said; new ones are hidden until named here."""


class TailUser:
    """`tail_user(username, cursor, wait)`: the first call begins, its cursor goes on."""

    def __init__(
        self,
        accounts: Accounts,
        reader: ChatReader,
        begin: Callable[[int], Heard],
        listen: Callable[[int, int, float], Awaitable[Heard]],
    ) -> None:
        self._accounts = accounts
        self._reader = reader
        self._begin = begin
        self._listen = listen

    async def __call__(self, username: str, cursor: str | None, wait: float) -> admin.Tail:
        """Frames since the cursor. Raises Refused: `not_found`, `malformed`, `overloaded`."""
        name = plain_username(username)
        found = await self._accounts.users([], name) if name else []
        if not found:
            raise Refused(Code.NOT_FOUND, "There is no such user.")
        user_id = found[0].id
        if cursor is None:
            chats = await self._chats(user_id)
            return _shown(user_id, self._begin(user_id), chats)
        (number,) = read_cursor(cursor, 1) or (0,)
        return _shown(user_id, await self._listen(number, user_id, wait), [])

    async def _chats(self, user_id: int) -> list[admin.TailChat]:
        """How far he is in his latest chats."""
        page = await self._reader.chats(user_id, None, CHATS)
        return [
            admin.TailChat(
                ids.text("chat", view.chat.id),
                view.head.seq,
                view.member.delivered,
                view.member.read,
                view.head.number - view.member.read_number - view.hidden,
            )
            for view in page.chats
        ]


def _shown(user_id: int, heard: Heard, chats: list[admin.TailChat]) -> admin.Tail:
    connections = [
        admin.TailConnection(
            ids.text("session", one.session_id),
            one.blocked,
            one.catching_up,
            one.unread_bytes,
            one.behind,
        )
        for one in heard.connections
    ]
    frames = [{k: v for k, v in frame.items() if k in SHOWN} for frame in heard.frames]
    return admin.Tail(
        ids.text("user", user_id),
        connections,
        chats,
        frames,
        heard.dropped,
        write_cursor((heard.number,)),
    )
