"""Change a message that is stored: edit it, delete it for everyone or oneself, pin it, react.

Who may, the store decides as it commits, by the rules in `domain/amend.py`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import assert_never

import msgspec

from hubbub.actions.compose import check_content, check_media
from hubbub.actions.directory import UnknownNames
from hubbub.actions.outcomes import amended
from hubbub.actions.references import message_id
from hubbub.domain.account import Principal
from hubbub.domain.change import Amend, Amendment, Edit, Erase, Hide, Pin, React
from hubbub.domain.limits import MessageLimits
from hubbub.domain.reaction import is_emoji
from hubbub.ports import Changes, Clock
from hubbub_protocol import frames, ids, rest
from hubbub_protocol.codes import Code, Refused

HOUR_MS = 3_600_000


class AmendMessage:
    """Its methods are the verbs. A change counts as a message for the rate limit."""

    def __init__(
        self,
        changes: Changes,
        clock: Clock,
        limits: MessageLimits,
        limit: Callable[[int], None],
        mentions: Callable[[Sequence[str]], tuple[int, ...]],
        learn: Callable[[Sequence[str]], Awaitable[object]],
    ) -> None:
        """`mentions` finds whom a message names, where `learn` has looked up unknown names."""
        self._changes = changes
        self._clock = clock
        self._limits = limits
        self._limit = limit
        self._mentions = mentions
        self._learn = learn

    async def edit(
        self, principal: Principal, message: str, asked: rest.EditMessage
    ) -> rest.ChangedMessage:
        """What it says already takes no position.

        Raises Refused: `not_found` for no such message, `forbidden` for another's, or an old one,
        `invalid`, `too_large`, `rate_limited`.
        """
        while True:
            try:
                return await self._do(principal, message, self._edit(asked))
            except UnknownNames as unknown:
                await self._learn(unknown.names)

    async def delete(
        self, principal: Principal, message: str, for_: frames.DeleteFor = "everyone"
    ) -> rest.ChangedMessage:
        """Take it away from everyone, or from the one who asks.

        Raises Refused: `not_found`, `forbidden`, `conflict` (too many), `rate_limited`.
        """
        return await self._do(principal, message, _deletion(for_))

    async def pin(self, principal: Principal, message: str) -> rest.ChangedMessage:
        """Raises Refused: `not_found`, `forbidden`, `conflict` (too many), `rate_limited`."""
        return await self._do(principal, message, Pin(True))

    async def unpin(self, principal: Principal, message: str) -> rest.ChangedMessage:
        """Raises Refused: `not_found`, `forbidden`, `rate_limited`."""
        return await self._do(principal, message, Pin(False))

    async def react(self, principal: Principal, message: str, emoji: str) -> rest.ChangedMessage:
        """Put an emoji to a message.

        Raises Refused: `invalid` (no emoji), `not_found`, `conflict` (too many), `cannot_message`,
        `rate_limited`.
        """
        return await self._do(principal, message, _reaction(emoji, True))

    async def unreact(self, principal: Principal, message: str, emoji: str) -> rest.ChangedMessage:
        """Take one's own emoji away. Raises Refused, as `react`."""
        return await self._do(principal, message, _reaction(emoji, False))

    def from_frame(self, user_id: int, frame: frames.ChangeFrame) -> Amend:
        """The change that a frame asks for.

        Raises Refused, as the verbs, but for the store's; UnknownNames.
        """
        do: Amendment
        match frame:
            case frames.Edit():
                do = self._edit(frame)
            case frames.Delete():
                do = _deletion(frame.for_)
            case frames.Pin():
                do = Pin(frame.pinned)
            case frames.React():
                do = _reaction(frame.emoji, frame.on)
            case _:
                assert_never(frame)
        return self._amend(user_id, frame.message_id, do)

    async def _do(self, principal: Principal, message: str, do: Amendment) -> rest.ChangedMessage:
        change = self._amend(principal.user_id, message, do)
        row = amended(await self._changes.do(change)).row
        return rest.ChangedMessage(ids.text("msg", row.id), ids.text("chat", row.chat_id), row.rev)

    def _amend(self, user_id: int, message: str, do: Amendment) -> Amend:
        number = message_id(message)
        self._limit(user_id)
        return Amend(number, user_id, do, self._clock.now_ms())

    def _edit(self, asked: frames.Edit | rest.EditMessage) -> Edit:
        content, media, limits = asked.content, asked.media, self._limits
        named = None if asked.mentions is None else self._mentions(asked.mentions)
        if content is None and media is None and named is None and asked.mention_all is None:
            raise Refused(Code.INVALID, "Nothing to change; give content, media or mentions.")
        if content is not None:
            check_content(content, limits.content_bytes)
        if media:
            check_media(media, limits.media)
        since = 0
        if limits.edit_hours:
            since = self._clock.now_ms() - int(limits.edit_hours * HOUR_MS)
        packed = None if media is None else msgspec.json.encode(media) if media else b""
        return Edit(content, packed, since, named, asked.mention_all)


def _deletion(for_: frames.DeleteFor) -> Erase | Hide:
    return Hide() if for_ == "me" else Erase()


def _reaction(emoji: str, on: bool) -> React:
    if not is_emoji(emoji):
        raise Refused(Code.INVALID, "A reaction is one emoji.")
    return React(emoji, on)
