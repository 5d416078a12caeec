"""The `client_id` of a message: UUID version 7 (RFC 9562), time-ordered."""

from random import Random
from uuid import UUID


def uuid7(unix: float, random: Random) -> str:
    """A new UUID for this time (Unix seconds)."""
    number = (int(unix * 1000) & (2**48 - 1)) << 80 | random.getrandbits(80)
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(3 << 62) | 2 << 62
    return str(UUID(int=number))
