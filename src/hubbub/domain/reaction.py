"""Reactions: an emoji that a user puts to a message, and how many are told with the message.

In a large chat at most one position a second tells of them: a reaction that comes sooner is stored
and waits, and the position that comes later tells of all that have.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from hubbub.domain.change import Denied
from hubbub.domain.chat import LARGE, Chat
from hubbub.domain.message import Row

MOST_EMOJI: Final = 50
"""Different emoji at one message."""
MOST_OWN: Final = 10
"""Emoji of one user at one message."""
NAMED: Final = 10
"""As long as no more users have put an emoji to a message, it says who they are."""
EMOJI_LENGTH: Final = 64
"""Characters of an emoji: the longest have about a dozen."""
EVERY_MS: Final = 1_000
"""Between two positions that tell of reactions to one message of a large chat."""

# A sign, or two letters that make a flag, or a key; with what changes it; several, joined.
_SIGN: Final = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf"
    "\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
)
_ONE: Final = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3"
    f"|{_SIGN}\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]{{0,10}})"
)
_EMOJI: Final = re.compile(f"{_ONE}(?:\u200d{_ONE}){{0,7}}")


class Tally(Struct, frozen=True, gc=False, array_like=True):
    """How many users have put an emoji to a message; who, up to NAMED of them, by id."""

    count: int
    users: tuple[int, ...]


_decode: Final = msgspec.json.Decoder(dict[str, Tally]).decode
_encode: Final = msgspec.json.Encoder().encode


def is_emoji(text: str) -> bool:
    """Whether the text is one emoji, as people see it."""
    return len(text) <= EMOJI_LENGTH and _EMOJI.fullmatch(text) is not None


def tallies(packed: bytes) -> dict[str, Tally]:
    """As they stand with the message, by emoji, those put first first."""
    return _decode(packed) if packed else {}


def may_react(row: Row, emoji: str, own: int) -> Denied | None:
    """Put one more emoji to a message; so many of it are one's `own`."""
    if own >= MOST_OWN:
        return Denied("conflict", f"You have reacted with {MOST_OWN} emoji; take one away first.")
    found = tallies(row.reactions)
    if emoji not in found and len(found) >= MOST_EMOJI:
        return Denied("conflict", f"The message has {MOST_EMOJI} different emoji; use one of them.")
    return None


def tallied(packed: bytes, emoji: str, on: bool, users: Sequence[int]) -> bytes:
    """The tallies after one user has put an emoji there, or taken it away.

    `users`: who have it there now, by id; of more than NAMED the first ones are enough.
    """
    found = tallies(packed)
    if not users:
        del found[emoji]
    elif len(users) <= NAMED:
        found[emoji] = Tally(len(users), tuple(users))
    else:
        found[emoji] = Tally(found[emoji].count + (1 if on else -1), ())
    return _encode(found) if found else b""


def waits(chat: Chat, row: Row, at: int) -> bool:
    """Whether a position that tells of a reaction to the message comes too soon `at` that time."""
    return chat.size > LARGE and at < row.changed_at + EVERY_MS


def due_at(row: Row, at: int) -> int:
    """When it does not any more (Unix ms), be it that the clock was put back before `at`."""
    return min(row.changed_at, at) + EVERY_MS


def is_due(chat: Chat, due: int, at: int) -> bool:
    """Whether a position that is `due` then may be taken now, `at`; or the clock was put back."""
    return chat.size <= LARGE or not due - EVERY_MS <= at < due
