"""From the texts that callers send to what the inside works with, and refusals on the way.

A chat or message that the caller cannot see and one that does not exist, or cannot exist, get
the same refusal (G6).
"""

import base64
import binascii
from typing import NoReturn, TypeVar

import msgspec

from hubbub.domain.change import Denied
from hubbub_protocol import ids
from hubbub_protocol.codes import Code, Refused

T = TypeVar("T")


def chat_id(text: str) -> int:
    """A chat's number. Raises Refused `not_found`."""
    try:
        return ids.parse("chat", text)
    except ids.BadId:
        raise no_chat() from None


def message_id(text: str) -> int:
    """A message's number. Raises Refused `not_found`."""
    try:
        return ids.parse("msg", text)
    except ids.BadId:
        raise no_message() from None


def invite_id(text: str) -> int:
    """An invite's number. Raises Refused `not_found`."""
    try:
        return ids.parse("invite", text)
    except ids.BadId:
        raise no_invite() from None


def check_text(text: str, where: str) -> None:
    """Raises Refused `invalid` for NUL, which not every store can hold."""
    if "\0" in text:
        raise Refused(Code.INVALID, f"{where} has the character NUL (U+0000); leave it out.")


def seen_chat(found: T | None) -> T:
    """What was found of a chat. Raises Refused `not_found` where nothing was."""
    if found is None:
        raise no_chat()
    return found


def seen_message(found: T | None) -> T:
    """What was found of a message. Raises Refused `not_found` where nothing was."""
    if found is None:
        raise no_message()
    return found


def no_chat() -> Refused:
    """No such chat, or none that the caller is a member of."""
    return Refused(Code.NOT_FOUND, "There is no such chat among yours. Check the chat's id.")


def no_message() -> Refused:
    """No such message, or none that the caller may see."""
    return Refused(Code.NOT_FOUND, "There is no such message in your chats. Check its id.")


def no_invite() -> Refused:
    """The group has no such invite."""
    return Refused(Code.NOT_FOUND, "This group has no such invite; it may have ended already.")


def no_member(user: str) -> Refused:
    """The user is not a member of a chat that the caller sees."""
    return Refused(Code.NOT_FOUND, f"{user[:40]} is not a member of this chat.")


def check(denied: Denied | None) -> None:
    """Raise what a policy denies as Refused."""
    if denied is not None:
        raise Refused(Code(denied.kind), denied.why)


def write_cursor(values: tuple[int, ...]) -> str:
    """An opaque cursor: where the next page goes on."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(values)).decode().rstrip("=")


def read_cursor(text: str | None, length: int) -> tuple[int, ...] | None:
    """The numbers in a cursor, None without one. Raises Refused `malformed`."""
    if text is None:
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        values = msgspec.msgpack.decode(packed, type=tuple[int, ...])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        _bad_cursor()
    if len(values) != length or not all(0 <= v <= ids.MAX_ID for v in values):
        _bad_cursor()
    return values


def _bad_cursor() -> NoReturn:
    raise Refused(
        Code.MALFORMED, "The cursor is not one of ours. Pass the page's cursor back unchanged."
    )
