"""A message as it is asked for, to a draft: everything that can be checked without the store."""

import math
from collections.abc import Callable, Sequence

import msgspec

from hubbub.actions.directory import Directory
from hubbub.actions.forward import NO_SOURCE
from hubbub.actions.pace import Pace
from hubbub.actions.references import check_text
from hubbub.domain.draft import Draft
from hubbub.domain.extra import EVERYBODY, Extra
from hubbub.domain.limits import MessageLimits, client_uuid
from hubbub.ports import Clock
from hubbub_protocol import frames, ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import BadId, IdMaker

NO_REPLY = "reply_to names no message of this chat that you can see."


class Compose:
    """A frame or a body to a draft: everything that can be checked without the store."""

    def __init__(
        self,
        limits: MessageLimits,
        maker: IdMaker,
        clock: Clock,
        pace: Pace,
        on_limited: Callable[[Refused], None],
        directory: Directory,
    ) -> None:
        """`on_limited` counts the sends that came too fast."""
        self._limits = limits
        self._make_id = maker.make_at
        self._clock = clock
        self._pace = pace
        self._on_limited = on_limited
        self._directory = directory

    def __call__(self, user_id: int, asked: frames.Send | rest.SendMessage) -> Draft:
        """The draft. Raises Refused: `invalid`, `too_large`, …; UnknownNames."""
        client_id = self._check(asked)
        chat_id, recipients = self._where(user_id, asked)
        carries = asked.mentions or asked.mention_all or asked.forward is not None
        now = self._clock.now_ms()
        return Draft(
            self._make_id(now),
            now,
            user_id,
            client_id,
            chat_id,
            recipients,
            asked.message_type,
            asked.content,
            msgspec.json.encode(asked.media) if asked.media else b"",
            0 if asked.reply_to is None else _message(asked.reply_to, "reply_to", NO_REPLY),
            self._extra(asked) if carries else None,
        )

    def limit(self, user_id: int) -> None:
        """Count a message or a change of one. Raises Refused `rate_limited`."""
        if wait := self._pace.take(user_id):
            refusal = Refused(
                Code.RATE_LIMITED, "You send too fast; wait a moment.", at_least(wait)
            )
            self._on_limited(refusal)
            raise refusal

    def mentions(self, names: Sequence[str]) -> tuple[int, ...]:
        """The users, in order. Raises Refused `invalid`; UnknownNames."""
        most, named = self._limits.mentions, set(names)
        if most and len(named) > most:
            raise Refused(Code.INVALID, f"mentions has more than {most}; name fewer.")
        users = set(self._users(named, "mentions")) - {EVERYBODY}  # that is no user's id
        return tuple(sorted(users))

    def _check(self, asked: frames.Send | rest.SendMessage) -> bytes | None:
        content, media = asked.content, asked.media
        if not content and not media and asked.forward is None:
            raise Refused(Code.INVALID, "The message is empty; give content or media.")
        check_content(content, self._limits.content_bytes)
        if media:
            check_media(media, self._limits.media)
        if asked.client_id is None:
            return None
        client_id = client_uuid(asked.client_id)
        if client_id is None:
            raise Refused(Code.INVALID, "client_id is not a UUID (36 characters with hyphens).")
        return client_id

    def _extra(self, asked: frames.Send | rest.SendMessage) -> Extra:
        if asked.forward is None:
            return Extra(self.mentions(asked.mentions), asked.mention_all)
        if asked.content or asked.media or asked.reply_to or asked.mentions or asked.mention_all:
            raise Refused(Code.INVALID, "A forward has nothing of its own; send that separately.")
        return Extra(forward=_message(asked.forward, "forward", NO_SOURCE))

    def _users(self, named: set[str], where: str) -> list[int]:
        try:
            return self._directory.numbers(list(named))
        except BadId as error:
            raise Refused(Code.INVALID, f"{where}: {error}.") from None

    def _where(
        self, user_id: int, asked: frames.Send | rest.SendMessage
    ) -> tuple[int, frozenset[int] | None]:
        if (asked.chat_id is None) == (asked.recipient_ids is None):
            raise Refused(Code.INVALID, "Give either chat_id or recipient_ids.")
        if asked.chat_id is not None:
            return _id("chat", asked.chat_id, "chat_id"), None
        most, named = self._limits.recipients, set(asked.recipient_ids or [])
        if most and len(named) > most + 1:  # one may be the sender
            raise _too_many(most)
        recipients = frozenset(self._users(named, "recipient_ids")) - {user_id}
        if most and len(recipients) > most:
            raise _too_many(most)
        if not recipients:
            raise Refused(Code.INVALID, "recipient_ids names nobody but yourself.")
        return 0, recipients


def _too_many(most: int) -> Refused:
    return Refused(Code.INVALID, f"recipient_ids has more than {most}; create a group instead.")


def at_least(seconds: float) -> float:
    """In milliseconds, rounded up: who comes back then is not too early."""
    return math.ceil(seconds * 1000) / 1000


def _id(kind: ids.Kind, value: str, where: str) -> int:
    try:
        return ids.parse(kind, value)
    except BadId as error:
        raise Refused(Code.INVALID, f"{where}: {error}.") from None


def check_content(content: str, most: int) -> None:
    """Raises Refused: `too_large`, `invalid`. `most` bytes, 0 is no limit."""
    check_text(content, "content")
    if most and len(content) * 4 > most and len(content.encode()) > most:
        raise Refused(Code.TOO_LARGE, f"content has more than {most} bytes of UTF-8.")


def _message(value: str, where: str, absent: str) -> int:
    """The message that a field names; 0 stands for none inside, and is no message's id."""
    number = _id("msg", value, where)
    if not number:
        raise Refused(Code.NOT_FOUND, absent)
    return number


def check_media(media: list[frames.Media], most: int) -> None:
    """Raises Refused `invalid`. `most` 0 is no limit."""
    if most and len(media) > most:
        raise Refused(Code.INVALID, f"The message has more than {most} media.")
    for medium in media:
        if medium.media_id is not None:
            raise Refused(Code.INVALID, "media_id: this server stores no media; give a url.")
        if medium.url is None or medium.type is None:
            raise Refused(Code.INVALID, "A medium has a type and a url.")
        if not medium.url.startswith(("https://", "http://")):
            raise Refused(Code.INVALID, "A medium's url begins with https:// or http://.")
