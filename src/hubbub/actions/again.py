"""Writes whose answer was lost."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from hubbub.ports import OutcomeUnknown

T = TypeVar("T")

ATTEMPTS: Final = 3


async def again(write: Callable[[], Awaitable[T]]) -> T:
    """Repeat a write whose outcome is unknown, as safe as the port says repeating it is.

    Without this, an engine that is started again in the middle of a refresh would have spent the
    old token and lost the new one. Raises Unavailable, in the end OutcomeUnknown.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return await write()
        except OutcomeUnknown:
            continue
    return await write()
