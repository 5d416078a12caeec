"""What may stand behind the question mark, as types."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from hubbub_protocol.frames import DeleteFor, MessageId, Position

Limit = Annotated[int, Meta(ge=1, le=200, description="most items a page")]
Cursor = Annotated[str, Meta(max_length=256, description="the `cursor` of the page before; opaque")]
Name = Annotated[
    str, Meta(min_length=1, max_length=300, description="the exact user name, or `ext:<sub>`")
]
Seconds = Annotated[int, Meta(ge=0, le=60, description="seconds to wait when there is no news")]


class Page(Struct, frozen=True):
    """A page of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


class Search(Struct, frozen=True):
    """A page of what is searched for; without text, of everything."""

    q: Annotated[str, Meta(max_length=200, description="a part of title or description")] = ""
    limit: Limit = 50
    cursor: Cursor | None = None


class HistoryPage(Struct, frozen=True):
    """A page of history: at most one of the ids; none asks for the newest."""

    limit: Limit = 50
    before_id: MessageId | None = None
    after_id: MessageId | None = None
    around_id: MessageId | None = None


class Deletion(Struct, frozen=True, rename={"for_": "for"}):
    """From whom a message is taken away."""

    for_: DeleteFor = "everyone"


class ThreadPage(Struct, frozen=True):
    """A page of a thread's replies."""

    order: Annotated[Literal["oldest", "newest"], Meta(description="which come first")] = "oldest"
    limit: Limit = 50
    cursor: Cursor | None = None


class EventsAfter(Struct, frozen=True):
    """A part of a log."""

    after: Position = 0
    limit: Limit = 200


class ByUsername(Struct, frozen=True):
    """Which user."""

    username: Name


class TailOf(Struct, frozen=True):
    """Over whose shoulder, from where on, and how long to wait for frames."""

    user: Name
    cursor: Cursor | None = None
    wait: Seconds = 0


class Wait(Struct, frozen=True):
    """How long to wait."""

    wait: Seconds = 0


class ProviderReply(Struct, frozen=True):
    """What an identity provider sends the browser back with."""

    state: Annotated[str, Meta(max_length=256, description="what `start` gave along")] = ""
    code: Annotated[str, Meta(max_length=4096, description="for the provider alone")] = ""
    error: Annotated[str, Meta(max_length=256, description="instead of a code")] = ""
    iss: Annotated[str, Meta(max_length=512, description="the provider's issuer (RFC 9207)")] = ""
