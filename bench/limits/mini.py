"""The limit server where there is no C compiler: the same answers as `limit.c`, on uvloop.

Usage: python -m bench.limits.mini PORT
"""

import asyncio
import base64
import hashlib
import json
import sys
from typing import Any, cast

import uvloop

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NOW = "2026-01-01T00:00:00.000Z"
_GROUP = "chat_ggggggggggggg"


class House:
    """Everybody who is connected, and each log's newest position."""

    def __init__(self) -> None:
        self.guests: dict[int, Guest] = {}
        self.positions: dict[str, int] = {}
        self.newest: dict[int, int] = {}  # user → position of his newest message
        self.told: dict[int, int] = {}  # user → position of the newest receipt
        self.messages = 0


def _frame(value: dict[str, Any]) -> bytes:
    payload = json.dumps(value, separators=(",", ":")).encode()
    size = len(payload)
    head = bytes((0x81, size)) if size < 126 else bytes((0x81, 126)) + size.to_bytes(2)
    return head + payload


class Guest(asyncio.Protocol):
    """One connection."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._rest = b""
        self._user: int | None = None
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not descend from asyncio.Transport.
        self.write = cast(asyncio.Transport, transport).write

    def connection_lost(self, exc: Exception | None) -> None:
        if self._user is not None:
            self._house.guests.pop(self._user, None)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if not self._upgraded:
            self._upgrade()
            return
        data, at = self._rest, 0
        while len(data) - at >= 6:
            length, start = data[at + 1] & 127, at + 2
            if length == 126:
                length, start = int.from_bytes(data[at + 2 : at + 4]), at + 4
            end = start + 4 + length
            if end > len(data):
                break
            if data[at] == 0x81:
                self._handle(json.loads(data[start + 4 : end]))
            at = end
        self._rest = data[at:]

    def _upgrade(self) -> None:
        head, found, self._rest = self._rest.partition(b"\r\n\r\n")
        if not found:
            self._rest = head
            return
        key = head.partition(b"Sec-WebSocket-Key: ")[2][:24]
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        token = head.partition(b"Bearer u")[2].partition(b"\r\n")[0]
        self._upgraded = True
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: hubbub.v1\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        if token:
            self._user = int(token)
            self._house.guests[self._user] = self
            answer += _frame({"type": "welcome", "user_id": f"user_{self._user:013d}"})
        self.write(answer)

    def _handle(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "send":
            self._send(frame)
        elif frame["type"] == "resume":
            self.write(_frame({"type": "caught_up", "positions": {}}))
        elif frame["type"] == "received" and _GROUP not in frame["positions"]:
            self._received(max(frame["positions"].values()))

    def _send(self, frame: dict[str, Any]) -> None:
        house, user, chat = self._house, self._user, frame["chat_id"]
        assert user is not None
        seq = house.positions[chat] = house.positions.get(chat, 0) + 1
        house.messages += 1
        id_ = f"msg_{house.messages:013d}"
        both: dict[str, Any] = {"id": id_, "chat_id": chat, "created_at": _NOW}
        ack = {"type": "ack", "client_id": frame["client_id"], **both, "status": "queued"}
        message = {"type": "message", **both, "seq": seq, "rev": seq, "number": seq}
        message["sender_id"] = f"user_{user:013d}"
        message["content"] = frame["content"]
        own = _frame(message | {"client_id": frame["client_id"]})
        self.write(_frame(ack) + own)
        whole = _frame(message)
        if chat != _GROUP:
            house.newest[user] = seq
            house.guests[user ^ 1].write(whole)
            return
        for other in house.guests.values():
            if other is not self:
                other.write(whole)

    def _received(self, seq: int) -> None:
        house, user = self._house, self._user
        assert user is not None
        author = user ^ 1
        seq = min(seq, house.newest.get(author, 0))
        if seq > house.told.get(author, 0):
            house.told[author] = seq
            receipt: dict[str, Any] = {"type": "delivery_receipt"}
            receipt["chat_id"] = f"chat_{user // 2:013d}"
            receipt |= {"message_id": f"msg_{house.messages:013d}", "seq": seq}
            receipt |= {"delivered_to": f"user_{user:013d}", "at": _NOW}
            house.guests[author].write(_frame(receipt))


async def _serve(port: int) -> None:
    house = House()
    server = await asyncio.get_running_loop().create_server(
        lambda: Guest(house), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
