"""What is stored, as frames: ids and times as text, structured fields. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, assert_never

import msgspec

from hubbub.domain.extra import Extra, unpack
from hubbub.domain.message import Row
from hubbub.domain.own import MeEvent, MyBlock, MyChat, MyHidden, MySettings
from hubbub.domain.reaction import tallies
from hubbub.domain.relation import Privacy
from hubbub_protocol import frames, ids
from hubbub_protocol.times import rfc3339

_media: Final = msgspec.json.Decoder(list[frames.Media])
_system: Final = msgspec.json.Decoder(dict[str, Any])


@lru_cache(maxsize=20_000)
def user_ref(user_id: int) -> str:
    """A user's id as text; the same few are written again and again."""
    return ids.text("user", user_id)


@lru_cache(maxsize=20_000)
def chat_ref(chat_id: int) -> str:
    """A chat's id as text."""
    return ids.text("chat", chat_id)


@lru_cache(maxsize=2_000)
def message_ref(message_id: int) -> str:
    """A message's id as text: written in the ack, the message, and a little later in receipts.

    Those that are under way, no more: what does not fit the processor's caches saves nothing.
    """
    return ids.text("msg", message_id)


def message(row: Row, members: Iterable[int] = (), client_id: str | None = None) -> frames.Message:
    """A message as an event of its log. `client_id` is for its sender's own sessions."""
    sender = row.sender_id
    sent = frames.Message(
        message_ref(row.id),
        chat_ref(row.chat_id),
        row.seq,
        row.rev,
        row.number,
        rfc3339(row.at),
        user_ref(sender) if sender else None,
        [user_ref(m) for m in members if m != sender],
        row.content,
        row.type,  # type: ignore[arg-type]
        _media.decode(row.media) if row.media else [],
        message_ref(row.reply_to) if row.reply_to else None,
        system=_system.decode(row.system) if row.system else None,
        client_id=client_id,
        thread_id=message_ref(row.thread_id) if row.thread_id else None,
    )
    if row.extra:
        sent = _with_extra(sent, unpack(row.extra))
    if row.reactions:
        sent = _with_reactions(sent, row.reactions)
    return sent if row.rev == row.seq else _changed(sent, row)


def _with_reactions(sent: frames.Message, packed: bytes) -> frames.Message:
    found = tallies(packed)
    return msgspec.structs.replace(
        sent,
        reactions={emoji: tally.count for emoji, tally in found.items()},
        reacted_by={
            emoji: [user_ref(user) for user in tally.users]
            for emoji, tally in found.items()
            if tally.users
        },
    )


def _with_extra(sent: frames.Message, extra: Extra) -> frames.Message:
    return msgspec.structs.replace(
        sent,
        mentions=[user_ref(user) for user in extra.mentions],
        mention_all=extra.mention_all,
        forwarded_from=user_ref(extra.forwarded_from) if extra.forwarded_from else None,
    )


def _changed(sent: frames.Message, row: Row) -> frames.Message:
    return msgspec.structs.replace(
        sent,
        edited_at=rfc3339(row.edited_at) if row.edited else None,
        is_deleted=row.deleted_at > 0,
        pinned=row.pinned > 0,
    )


def media(packed: bytes) -> list[frames.Media]:
    """Media as they are stored, as a message has them."""
    return _media.decode(packed) if packed else []


def client_ref(row: Row) -> str | None:
    """The sender's client_id as text, None where he gave none."""
    if row.client_id is None:
        return None
    digits = row.client_id.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def presence(user_id: int, online: bool, at: int) -> frames.Presence:
    """Whether a user is here; `at`: when he last was (Unix ms), 0: there is nothing to tell."""
    if online:
        return frames.Presence(user_ref(user_id), "online")
    return frames.Presence(user_ref(user_id), "offline", rfc3339(at) if at else None)


def me(event: MeEvent) -> frames.Me:
    """One event of the user's own log."""
    match event:
        case MyChat():
            return frames.Me(
                rev=event.rev,
                kind="chat",
                chat_id=chat_ref(event.chat_id),
                member=event.present,
                role=event.role,
                joined_seq=event.since,
                read=event.read,
                unread=event.unread,
                muted_until=rfc3339(event.muted_until) if event.muted_until else None,
                unread_mentions=event.unread_mentions,
            )
        case MySettings():
            told, name = privacy(event.privacy), event.display_name
            return frames.Me(event.rev, "settings", privacy=told, display_name=name)
        case MyBlock():
            other = user_ref(event.other_id)
            return frames.Me(event.rev, "block", user_id=other, blocked=event.blocked)
        case MyHidden():
            chat, hidden = chat_ref(event.chat_id), message_ref(event.message_id)
            return frames.Me(event.rev, "hidden", chat, message_id=hidden, seq=event.seq)
        case _:
            assert_never(event)


def privacy(stored: Privacy) -> frames.Privacy:
    """What a user shows of himself."""
    return frames.Privacy(stored.read_receipts, stored.last_seen, stored.inbox)
