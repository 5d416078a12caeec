"""Calls over a socket pair: a length, then MessagePack; answered one by one, in order.

The methods' annotations are the schema: arguments are decoded to the types that the method
names, results to what it says it returns. So there is no list of messages to keep in step.
"""

import inspect
import socket
import struct
from collections.abc import Callable
from typing import Any, Final, get_type_hints

import apsw
import msgspec

LENGTH: Final = struct.Struct("<I")
MAX_CALL: Final = 256 * 1024 * 1024
"""Bytes of one call or answer: a bound against nonsense, far above any page."""

OK, FAILED, FULL = 0, 1, 2


class Signature:
    """How a method's arguments and result are written."""

    def __init__(self, method: Callable[..., Any]) -> None:
        hints = get_type_hints(method)
        names = [n for n in inspect.signature(method).parameters if n != "self"]
        arguments: Any = tuple.__class_getitem__(tuple(hints[n] for n in names))
        self.arguments = msgspec.msgpack.Decoder(arguments)
        self.result = msgspec.msgpack.Decoder(hints["return"])


def pack(head: str | int, body: Any, encoder: msgspec.msgpack.Encoder) -> bytes:
    """One call (head: the method's name) or answer (head: OK, FAILED, FULL), with its length."""
    payload = encoder.encode((head, msgspec.Raw(encoder.encode(body))))
    return LENGTH.pack(len(payload)) + payload


CALL = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
ANSWER = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw])


class Door:
    """Answers calls on one socket with the methods of some objects, one after the other.

    A full disk is an answer, since nothing was stored. Any other failure of the disk ends the
    process: what the operating system then holds of our file is not known, and starting again
    reads it afresh.
    """

    def __init__(self, end: socket.socket, methods: dict[str, Callable[..., Any]]) -> None:
        self._file = end.makefile("rb", buffering=1 << 20)
        self._socket = end
        self._methods = {name: (m, Signature(m)) for name, m in methods.items()}
        self._encoder = msgspec.msgpack.Encoder()

    def serve(self, after: Callable[[], None] = lambda: None) -> None:
        """Until the other end closes. `after` runs when a call has been answered.

        Raises apsw.IOError.
        """
        while head := self._file.read(LENGTH.size):
            (length,) = LENGTH.unpack(head)
            call = self._file.read(length)
            if len(call) < length:
                return
            self._socket.sendall(self._answer(call))
            after()

    def _answer(self, call: bytes) -> bytes:
        name, raw = CALL.decode(call)
        method, signature = self._methods[name]
        try:
            result = method(*signature.arguments.decode(raw))
            return pack(OK, result, self._encoder)
        except apsw.FullError as error:
            return pack(FULL, str(error), self._encoder)
        except apsw.IOError:
            raise
        except Exception as error:
            return pack(FAILED, f"{name}: {type(error).__name__}: {error}", self._encoder)
