"""Ids: 64-bit, time-ordered numbers, written as a prefix and 13 Crockford base32 characters.

Layout, from the top: 41 bits of milliseconds since 2020-01-01, 10 bits of leased node number,
12 bits of counter. An id names a place; nothing orders by it (spec section 1).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, get_args

Kind = Literal["user", "session", "chat", "msg", "media", "invite"]

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
EPOCH_MS: Final = 1_577_836_800_000  # 2020-01-01T00:00:00Z
NODE_BITS: Final = 10
COUNTER_BITS: Final = 12
MAX_NODE: Final = (1 << NODE_BITS) - 1
MAX_ID: Final = (1 << 63) - 1
DIGITS: Final = 13
_COUNTER: Final = (1 << COUNTER_BITS) - 1

_TRIPLES: Final = [a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET]
_PREFIX: Final[dict[str, str]] = {kind: kind + "_" for kind in get_args(Kind)}
# int(x, 32) reads 0-9a-v; whatever is not in our alphabet becomes "!", which it refuses.
_TO_INT32: Final = bytes(
    ord("0123456789abcdefghijklmnopqrstuv"[ALPHABET.index(chr(b))]) if chr(b) in ALPHABET else 33
    for b in range(256)
)


class BadId(ValueError):
    """The text is not an id of the kind that was asked for."""


def text(kind: Kind, number: int) -> str:
    """Write an id, for instance `chat_01h2x3y4z5a6b`."""
    triples = _TRIPLES
    high, middle = triples[number >> 45 & 32767], triples[number >> 30 & 32767]
    low, lowest = triples[number >> 15 & 32767], triples[number & 32767]
    return f"{_PREFIX[kind]}{ALPHABET[number >> 60]}{high}{middle}{low}{lowest}"


def _parse(kind: Kind, value: str) -> int:
    prefix = _PREFIX[kind]
    if value.startswith(prefix) and len(value) == len(prefix) + DIGITS:
        try:
            number = int(value[len(prefix) :].encode("ascii").translate(_TO_INT32), 32)
        except ValueError:
            pass
        else:
            if number <= MAX_ID:
                return number
    raise BadId(f"{value[:40]!r} is not an id of the form {prefix}{'x' * DIGITS}")


parse: Final[Callable[[Kind, str], int]] = lru_cache(maxsize=4_096)(_parse)
"""Reads an id of this kind back to its number; the same few chats are named again and again.

Raises BadId for another kind, another length, another alphabet or a number over 63 bits.
"""


def pattern(kind: Kind) -> str:
    """The regular expression of this kind's ids, for schemas."""
    return f"^{kind}_[0-7][0-9a-hjkmnp-tv-z]{{12}}$"


def milliseconds(number: int) -> int:
    """When the id was made, in Unix milliseconds."""
    return (number >> (NODE_BITS + COUNTER_BITS)) + EPOCH_MS


class IdMaker:
    """Makes ids for one node: unique while no other process holds the same node number.

    `now_ms` gives Unix milliseconds. When the clock steps back or a millisecond's counter is
    used up, the ids go on from the last one, a little ahead of the clock.
    """

    __slots__ = ("_last", "_node", "_now_ms")

    def __init__(self, node: int, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._last = 0  # milliseconds and counter, without the node
        self.become(node)

    def become(self, node: int) -> None:
        """Make ids for this node from now on. Raises ValueError for a number that none has."""
        if not 0 <= node <= MAX_NODE:
            raise ValueError(f"node number {node} is not in 0..{MAX_NODE}")
        self._node = node << COUNTER_BITS

    def make(self) -> int:
        """The next id."""
        return self.make_at(self._now_ms())

    def make_at(self, now_ms: int) -> int:
        """The next id for who has looked at the clock already."""
        now = (now_ms - EPOCH_MS) << COUNTER_BITS
        last = self._last = max(self._last + 1, now)
        return last >> COUNTER_BITS << (NODE_BITS + COUNTER_BITS) | self._node | last & _COUNTER
