"""Changing a message that is stored: who may, until when, and what becomes of it.

Stores ask here as they commit, with the message as it is then; that the author of the change sees
it (G6) they know already. What is so already is no change and takes no position.
"""

from typing import Final, assert_never

from msgspec.structs import replace

from hubbub.domain.change import Amend, Amended, Announce, Denied, Edit, Erase, Hide, Pin, React
from hubbub.domain.chat import LARGE, Chat, Head, Role
from hubbub.domain.extra import Extra, erased, pack, unpack
from hubbub.domain.message import EVERYBODY, Audience, Row, Version
from hubbub.domain.policy import may_mention_all, may_post

VERSIONS: Final = 100
"""Earlier versions that are kept of a message: the first one, and the newest of the others."""
PINS: Final = 100
"""Messages that a chat may have pinned."""
MOST_HIDDEN: Final = 10_000
"""Messages that a user may have hidden from himself, in all chats together."""


def amend(row: Row, change: Amend, chat: Chat, role: Role, head: Head, pins: int) -> Row | Denied:
    """The message after the change, at the position after `head`; the same where nothing changes.

    `role` is that of who changes it; `pins`: how many messages of the chat are pinned.
    """
    if row.type == "system":
        return Denied("invalid", "What the system says of a chat cannot be changed.")
    if row.deleted_at and not isinstance(change.do, Erase | Hide):
        return Denied("conflict", "The message was deleted.")
    after = moved_to(row, head, change.at)
    match change.do:
        case Edit():
            denied = may_post(chat, role) or _may_mention(row, change.do, chat, role)
            return _edit(row, after, change.by, change.do, denied)
        case Erase():
            return _erase(row, after, change.by, chat, role)
        case Pin():
            return _pin(row, after, change.do.pinned, chat, role, pins)
        case Hide():
            return row
        case React() | Announce():
            return after
        case _:
            assert_never(change.do)


def _edit(row: Row, after: Row, by: int, edit: Edit, denied: Denied | None) -> Row | Denied:
    if row.sender_id != by:
        return Denied("forbidden", "Only who sent a message edits it.")
    if unpack(row.extra).forward:
        return Denied(
            "forbidden", "A forward has the words of its author. Delete it, or answer it."
        )
    if denied is not None:
        return denied
    if row.at < edit.since:
        return Denied("forbidden", "The message is too old to be edited. Send another one.")
    content = row.content if edit.content is None else edit.content
    media = row.media if edit.media is None else edit.media
    if not content and not media:
        return Denied("invalid", "Nothing would be left; give content or media, or delete it.")
    extra = _mentioning(row.extra, edit)
    if (content, media, extra) == (row.content, row.media, row.extra):
        return row
    edited = {"edited": after.rev, "edited_at": after.changed_at}
    return replace(after, content=content, media=media, extra=extra, **edited)


def _may_mention(row: Row, edit: Edit, chat: Chat, role: Role) -> Denied | None:
    """Mention everybody, who were not mentioned before."""
    wanted = edit.mention_all and not unpack(row.extra).mention_all
    return may_mention_all(chat, role) if wanted else None


def _mentioning(packed: bytes, edit: Edit) -> bytes:
    """What the message carries with these mentions; the same where they are as they were."""
    before = unpack(packed)
    named = before.mentions if edit.mentions is None else edit.mentions
    everybody = before.mention_all if edit.mention_all is None else edit.mention_all
    if (named, everybody) == (before.mentions, before.mention_all):
        return packed
    return pack(Extra(named, everybody) if named or everybody else None)


def _erase(row: Row, after: Row, by: int, chat: Chat, role: Role) -> Row | Denied:
    if row.sender_id != by and (chat.type == "direct" or role == "member"):
        why = "Only who sent a message deletes it for everyone, in groups owners and admins too."
        return Denied("forbidden", why)
    if row.deleted_at:
        return row
    nothing = {"content": "", "media": b"", "edited": 0, "edited_at": 0, "pinned": 0}
    nothing["reactions"] = b""
    return replace(after, deleted_at=after.changed_at, extra=erased(row.extra), **nothing)


def _pin(row: Row, after: Row, pinned: bool, chat: Chat, role: Role, pins: int) -> Row | Denied:
    if chat.type == "group" and role == "member":
        return Denied("forbidden", "Only owners and admins pin messages; ask one of them.")
    if pinned == (row.pinned > 0):
        return row
    if pinned and pins >= PINS:
        return Denied("conflict", f"The chat has {PINS} pinned messages; unpin one of them first.")
    return replace(after, pinned=after.rev if pinned else 0)


def may_hide(hidden: int) -> Denied | None:
    """Hide one more from oneself; so many are `hidden` already."""
    if hidden >= MOST_HIDDEN:
        why = f"You have deleted {MOST_HIDDEN} messages for yourself, which is as many as can be."
        return Denied("conflict", why)
    return None


def counts_else(row: Row, user_id: int, read: int) -> bool:
    """Whether other sessions of who hides a message have to hear where he is in the chat now.

    It is unread, or his own: then nothing but the message said that he has read up to it.
    """
    return row.seq > read or row.sender_id == user_id


def may_see_versions(row: Row, user_id: int, chat: Chat, role: Role) -> Denied | None:
    """What the message said before it was edited."""
    if row.sender_id == user_id or (chat.type == "group" and role != "member"):
        return None
    why = "Only who sent a message sees what it said before, in groups owners and admins too."
    return Denied("forbidden", why)


def goes_with(change: Amend, changed: set[object]) -> bool:
    """Whether a change may be in one commit with those that `changed` knows; then it does.

    Of each message one, so that the commit may be repeated. Or different reactions, of which many
    come at once: they do not depend on each other.
    """
    message, reacted = change.message_id, ("reacted", change.message_id)
    own: set[object] = {message}
    others: set[object] = {message, reacted}
    if isinstance(change.do, React):
        one = (message, change.by, change.do.emoji)
        own, others = {one, reacted}, {one, message}
    if others & changed:
        return False
    changed |= own
    return True


def moved_to(row: Row, head: Head, at: int) -> Row:
    """The message at the next position of its chat."""
    return replace(row, rev=head.seq + 1, changed_at=max(at, row.at, row.changed_at))


def moved(head: Head, row: Row) -> Head:
    """The head after a message was changed."""
    mentioned = row.seq if unpack(row.extra).mentioned else 0
    return Head(row.rev, head.number, head.at, max(head.mentioned, mentioned))


def amended(row: Row, head: Head, audience: Audience) -> Amended:
    """The answer to who has changed it; `head` as it was before, or is now."""
    return Amended(row, True, audience, changes=row.rev - head.number)


def version(row: Row) -> Version:
    """What the message says now, to be kept when it is edited."""
    place = (row.edited or row.seq, row.edited_at or row.at)
    return Version(*place, row.content, row.media, row.extra)


def surplus(revs: list[int]) -> list[int]:
    """Of the positions of a message's earlier versions, ascending: those not to be kept."""
    return revs[1 : len(revs) - VERSIONS + 1] if len(revs) > VERSIONS else []


def audience(chat: Chat, late: list[int], returned: list[int], gone: list[int]) -> Audience:
    """Of `late`, members of a small chat who came after the message, some have `returned`.

    `gone`: who has hidden it from himself.
    """
    if chat.history == "all":
        return Audience(True, tuple(gone)) if gone else EVERYBODY
    if chat.size > LARGE:
        return Audience(False, tuple(gone), tuple(returned))
    hidden = [user_id for user_id in late if user_id not in returned]
    return Audience(True, (*hidden, *gone)) if hidden or gone else EVERYBODY
