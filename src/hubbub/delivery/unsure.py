"""What a commit of unknown outcome may have changed: pure."""

from collections.abc import Iterable
from typing import assert_never

from hubbub.domain.change import (
    Advance,
    Amend,
    Change,
    Create,
    Enrol,
    Fill,
    Hide,
    Join,
    Leave,
    PlaceMe,
    Post,
    Seen,
    SetChat,
    SetRole,
)
from hubbub.domain.events import UnsureEvent
from hubbub.domain.own import Mute, SetBlock, SetMe


def unsure(changes: Iterable[Change]) -> UnsureEvent:
    """Of all that any node remembers."""
    chats, changed, users, messages = (set[int]() for _ in range(4))
    for change in changes:
        match change:
            case Post() | Advance() | Mute():
                chats.add(change.chat_id)
            case Fill() | Enrol() | Join() | Leave() | SetRole() | SetChat():
                changed.add(change.chat_id)
            case SetMe() | SetBlock():
                users.add(change.user_id)
            case Amend(do=Hide()):  # perhaps of a message that nobody remembers, and yet counts
                users.add(change.by)
            case Amend():
                messages.add(change.message_id)
            case Create() | PlaceMe() | Seen():
                pass  # the chat is new, and nobody remembers the rest
            case _:
                assert_never(change)
    chats.discard(0)  # of a post that makes its chat
    return UnsureEvent(tuple(chats), tuple(changed), tuple(users), tuple(messages))
