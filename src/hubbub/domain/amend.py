"""Changing a message that is stored: who may, until when, and what becomes of it.

Stores ask here as they commit, with the message as it is then; that the author of the change sees
it (G6) they know already. What is so already is no change and takes no position.
"""

from typing import Final

from msgspec.structs import replace

from hubbub.domain.change import Amend, Denied, Edit
from hubbub.domain.chat import LARGE, Chat, Head, Role
from hubbub.domain.message import EVERYBODY, Audience, Row, Version
from hubbub.domain.policy import may_post

VERSIONS: Final = 100
"""Earlier versions that are kept of a message: the first one, and the newest of the others."""


def amend(row: Row, change: Amend, chat: Chat, role: Role, head: Head) -> Row | Denied:
    """The message after the change, at the position after `head`; the same where nothing changes.

    `role` is that of who changes it.
    """
    if row.type == "system":
        return Denied("invalid", "What the system says of a chat cannot be changed.")
    after = _edit(row, change, change.do, chat, role)
    if isinstance(after, Denied) or after == row:
        return after
    rev, at = head.seq + 1, max(change.at, row.at, row.changed_at)
    return replace(after, rev=rev, changed_at=at, edited=rev, edited_at=at)


def _edit(row: Row, change: Amend, edit: Edit, chat: Chat, role: Role) -> Row | Denied:
    if row.sender_id != change.by:
        return Denied("forbidden", "Only who sent a message edits it.")
    if (denied := may_post(chat, role)) is not None:
        return denied
    if row.at < edit.since:
        return Denied("forbidden", "The message is too old to be edited. Send another one.")
    content = row.content if edit.content is None else edit.content
    media = row.media if edit.media is None else edit.media
    if not content and not media:
        return Denied("invalid", "Nothing would be left; give content or media, or delete it.")
    return replace(row, content=content, media=media)


def version(row: Row) -> Version:
    """What the message says now, to be kept when it is edited."""
    return Version(row.edited or row.seq, row.edited_at or row.at, row.content, row.media)


def surplus(revs: list[int]) -> list[int]:
    """Of the positions of a message's earlier versions, ascending: those not to be kept."""
    return revs[1 : len(revs) - VERSIONS + 1] if len(revs) > VERSIONS else []


def audience(chat: Chat, late: list[int], returned: list[int]) -> Audience:
    """Of `late`, members of a small chat who came after the message, some have `returned`."""
    if chat.history == "all":
        return EVERYBODY
    if chat.size > LARGE:
        return Audience(False, (), tuple(returned))
    hidden = tuple(user_id for user_id in late if user_id not in returned)
    return Audience(not hidden, hidden)
