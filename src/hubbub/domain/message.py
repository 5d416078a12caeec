"""A message in its place, as it is stored, and who may see it once it has changed."""

from typing import Final

from msgspec import Struct


class Row(Struct, frozen=True, gc=False, array_like=True):
    """A message in its latest state. `rev` is the position of its latest change.

    `thread_id`: of a reply, the message that began its thread. `extra`: see the module `extra`.

    Times are Unix ms, 0 where it did not happen: `changed_at` is that of `rev`. `edited` and
    `pinned` are the positions where that was done last, 0: it is not. `reactions`: see the module
    `reaction`; the latest may be beyond `rev`, and wait for the position that tells of them.
    """

    id: int
    chat_id: int
    seq: int
    rev: int
    number: int
    sender_id: int
    client_id: bytes | None
    at: int
    type: str
    content: str
    media: bytes
    reply_to: int
    system: bytes = b""
    thread_id: int = 0
    extra: bytes = b""
    changed_at: int = 0
    edited: int = 0
    edited_at: int = 0
    deleted_at: int = 0
    pinned: int = 0
    reactions: bytes = b""


class Version(Struct, frozen=True, gc=False, array_like=True):
    """What a message said from position `rev` on, until it was edited."""

    rev: int
    at: int
    content: str
    media: bytes
    extra: bytes = b""


class Audience(Struct, frozen=True, gc=False, array_like=True):
    """Who of the present members may see a message that was changed (G6).

    Nobody whom it is `hidden_from`. Of the others `everybody`, and always in a small chat; in a
    large one else those whose stay began by its `seq`, and who `returned`: they saw it in an
    earlier stay.
    """

    everybody: bool = True
    hidden_from: tuple[int, ...] = ()
    returned: tuple[int, ...] = ()


EVERYBODY: Final = Audience()
