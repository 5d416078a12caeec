"""What few messages carry: whom they mention, and whose words they pass on.

It stands with the message as JSON, empty where there is none of it, so that a plain message
pays nothing for it.
"""

from typing import Final

import msgspec
from msgspec import Struct

EVERYBODY: Final = 0
"""In the place of a user's id: all who are members at the message's position."""


class Extra(Struct, frozen=True, gc=False, omit_defaults=True):
    """See the module. `mentions` are users as the sender named them, members or not.

    `forward` is the message that was copied, known to the server alone; `forwarded_from` its
    author.
    """

    mentions: tuple[int, ...] = ()
    mention_all: bool = False
    forward: int = 0
    forwarded_from: int = 0

    @property
    def mentioned(self) -> tuple[int, ...]:
        """Whom it concerns: users, or EVERYBODY."""
        return (EVERYBODY,) if self.mention_all else self.mentions


NOTHING: Final = Extra()
_decode: Final = msgspec.json.Decoder(Extra).decode
_encode: Final = msgspec.json.Encoder().encode


def pack(extra: Extra | None) -> bytes:
    """As it is stored."""
    return b"" if extra is None else _encode(extra)


def unpack(packed: bytes) -> Extra:
    """As it was before it was stored."""
    return _decode(packed) if packed else NOTHING


def erased(packed: bytes) -> bytes:
    """What is left of it with a message that was deleted: by what a forward is known again."""
    forward = unpack(packed).forward
    return _encode(Extra(forward=forward)) if forward else b""


def mentions(packed: bytes, user_id: int) -> bool:
    """Whether a message with this extra names the user, or everybody."""
    if not packed:
        return False
    extra = _decode(packed)
    return extra.mention_all or user_id in extra.mentions
