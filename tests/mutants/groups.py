"""Rights in groups, and what is one's own there, with one rule taken out."""

from typing import Any
from unittest.mock import patch

import apsw

from hubbub.actions import change_chat, change_member
from hubbub.adapters.sqlite import chats, own
from hubbub.adapters.sqlite.caches import Caches
from hubbub.adapters.sqlite.joining import SqliteJoining
from hubbub.domain import amend
from hubbub.domain.change import Missing
from hubbub.domain.invite import ChatInvite
from hubbub.domain.own import Mute, Told


def anybody_pins() -> Any:
    """Whoever sees a message pins it."""
    pin = amend._pin
    return patch.object(
        amend,
        "_pin",
        lambda row, after, on, chat, role, pins: pin(row, after, on, chat, "owner", pins),
    )


def anybody_gives_roles() -> Any:
    """Members make each other, and themselves, what they like."""
    return patch.object(change_member, "may_change_role", lambda chat, role: None)


def anybody_sets() -> Any:
    """Members change a group's settings."""
    return patch.object(change_chat, "may_set", lambda chat, role, wanted: None)


def invite_without_end() -> Any:
    """An invite works however often it was used."""
    return patch.object(ChatInvite, "spent", lambda invite, now: False)


def ended_in_name_only() -> Any:
    """Whoever ends an invite is told so, and it works on."""
    return patch.object(SqliteJoining, "end_chat_invite", lambda self, chat_id, invite_id: None)


def muted_in_silence() -> Any:
    """A user's other sessions do not hear that a chat was muted."""

    def silent(db: apsw.Connection, caches: Caches, change: Mute) -> Told | Missing:
        with patch.object(own, "tell", lambda *given: None):
            return own.mute(db, caches, change)

    return patch.object(chats, "mute", silent)
