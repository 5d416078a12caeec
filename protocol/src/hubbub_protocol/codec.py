"""Bytes to frames and back, in the two wire versions.

`hubbub.v1` is JSON in text messages, `hubbub.v1.msgpack` the same objects in MessagePack in
binary messages. Decoding checks types and bounds; unknown fields are ignored.
"""

from typing import Final, Generic, TypeVar

import msgspec

from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.frames import ClientFrame, ServerFrame

JSON: Final = "hubbub.v1"
MSGPACK: Final = "hubbub.v1.msgpack"
SUBPROTOCOLS: Final = (JSON, MSGPACK)

F = TypeVar("F")


class Codec(Generic[F]):
    """Decodes one direction's frames `F` in one wire version, and encodes any frame."""

    __slots__ = ("_decoder", "binary", "encode")

    def __init__(self, frames: type[F], binary: bool) -> None:
        self.binary = binary
        if binary:
            self.encode = msgspec.msgpack.Encoder().encode
            self._decoder: msgspec.msgpack.Decoder[F] | msgspec.json.Decoder[F] = (
                msgspec.msgpack.Decoder(frames)
            )
        else:
            self.encode = msgspec.json.Encoder().encode
            self._decoder = msgspec.json.Decoder(frames)

    def decode(self, payload: bytes) -> F:
        """The frame in this payload. Raises Refused: `unknown_type` or `malformed`."""
        try:
            return self._decoder.decode(payload)
        except msgspec.ValidationError as error:
            sentence = str(error)
            # msgspec names an unknown tag so; a test pins its words.
            unknown = sentence.startswith("Invalid value") and sentence.endswith("`$.type`")
            code = Code.UNKNOWN_TYPE if unknown else Code.MALFORMED
            raise Refused(code, f"The frame does not fit the protocol: {sentence}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(Code.MALFORMED, f"The frame cannot be read: {error}.") from None


def server_codec(binary: bool) -> Codec[ClientFrame]:
    """What a server uses: reads the client's frames."""
    return Codec(ClientFrame, binary)  # type: ignore[arg-type]


def client_codec(binary: bool) -> Codec[ServerFrame]:
    """What a client uses: reads the server's frames."""
    return Codec(ServerFrame, binary)  # type: ignore[arg-type]
