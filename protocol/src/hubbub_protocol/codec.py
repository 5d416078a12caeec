"""Bytes to frames and back, in the two wire versions.

`hubbub.v1` is JSON in text messages, `hubbub.v1.msgpack` the same objects in MessagePack in
binary messages. Decoding checks types and bounds; unknown fields are ignored.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import msgspec

from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.frames import ClientFrame, ServerFrame

JSON: Final = "hubbub.v1"
MSGPACK: Final = "hubbub.v1.msgpack"
SUBPROTOCOLS: Final = (JSON, MSGPACK)

F = TypeVar("F")

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a payload that is no frame raises."""


class Codec(Generic[F]):
    """Decodes one direction's frames `F` in one wire version, and encodes any frame."""

    __slots__ = ("binary", "encode", "read")

    def __init__(self, frames: type[F], binary: bool) -> None:
        self.binary = binary
        self.encode = (msgspec.msgpack if binary else msgspec.json).Encoder().encode
        decoder = msgspec.msgpack.Decoder if binary else msgspec.json.Decoder
        self.read: Callable[[bytes], F] = decoder(frames).decode
        """As `decode`, but raises one of UNREADABLE. It is C's, for who reads every frame."""

    def decode(self, payload: bytes) -> F:
        """The frame in this payload. Raises Refused: `unknown_type` or `malformed`."""
        try:
            return self.read(payload)
        except UNREADABLE as error:
            raise refusal(error) from None


def refusal(error: Exception) -> Refused:
    """What to say of one of UNREADABLE."""
    if not isinstance(error, msgspec.ValidationError):
        return Refused(Code.MALFORMED, f"The frame cannot be read: {error}.")
    sentence = str(error)
    # msgspec names an unknown tag so; a test pins its words.
    unknown = sentence.startswith("Invalid value") and sentence.endswith("`$.type`")
    code = Code.UNKNOWN_TYPE if unknown else Code.MALFORMED
    return Refused(code, f"The frame does not fit the protocol: {sentence}.")


def server_codec(binary: bool) -> Codec[ClientFrame]:
    """What a server uses: reads the client's frames."""
    return Codec(ClientFrame, binary)  # type: ignore[arg-type]


def client_codec(binary: bool) -> Codec[ServerFrame]:
    """What a client uses: reads the server's frames."""
    return Codec(ServerFrame, binary)  # type: ignore[arg-type]
