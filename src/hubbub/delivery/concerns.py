"""Whom an event concerns: the nodes that hold one of these topics are told."""

from collections.abc import Iterable
from typing import assert_never

from hubbub.domain.events import (
    AwayEvent,
    CountsEvent,
    Event,
    JoinedLarge,
    LeftLarge,
    OwnEvent,
    PresenceEvent,
    ReachedEvent,
    ReceiptEvent,
    RevokedEvent,
    RowEvent,
    StanceEvent,
    TypingEvent,
    UnsureEvent,
)
from hubbub.ports.nodes import Topic, large, user, watched


def concerns(event: Event) -> Iterable[Topic] | None:
    """The topics; None: all nodes."""
    match event:
        case RowEvent() | TypingEvent():
            chat_id = event.row.chat_id if isinstance(event, RowEvent) else event.chat_id
            return (large(chat_id),) if event.large else map(user, event.members)
        case ReceiptEvent():
            return (user(event.author_id),)
        case CountsEvent():
            return (user(event.author_id) if event.author_id else large(event.chat_id),)
        case OwnEvent():
            return (user(event.me.user_id),)
        case PresenceEvent():
            return (watched(event.user_id),)
        case JoinedLarge():
            return map(user, event.users)
        case LeftLarge():
            return (user(event.user_id),) if event.user_id else (large(event.chat_id),)
        case StanceEvent() | RevokedEvent() | UnsureEvent() | AwayEvent() | ReachedEvent():
            return None  # whoever allows others to write to him, or him to do anything
        case _:
            assert_never(event)
