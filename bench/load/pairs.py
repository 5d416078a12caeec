"""1-to-1 messages at a fixed rate, open loop, counted when the receipt is back at the sender.

Message k is due at k / rate, whatever became of those before; pair k mod P sends it, its two
sides in turn. Latencies count from the due time. Each message must be acknowledged once, arrive
once in the next position at each side, and be covered by a receipt: of its delivery, or that it
was read, which says both (who sends has read what came before). What a side sent itself it confirms
with the next message of the other (protocol clause 6.1.2), as the Python client does.
"""

import gc
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bench.load import wire
from bench.load.reactor import Reactor, clock
from bench.load.sessions import Session

_SIDES = (97, 98)  # "a" and "b", in the content of what they send
_FILL = b"abcdefghij klmnopqrst uvwxyz ABCDEFGHIJ KLMNOPQRST UVWXYZ 0123456789 and so on, until 100"
MORE = 10  # seconds that the last receipts may take


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. Latencies in seconds, sorted; `missing` and `repeated` count what broke G2.

    `lateness`: how far behind its due time the generator sent, p99. `cpu`: its share of a core.
    """

    rate: float
    seconds: float
    sent: int
    counted: int
    refused: int
    missing: tuple[int, ...]  # acks, own copies, deliveries, receipts
    repeated: int
    disorder: int
    acks: list[float]
    receipts: list[float]
    lateness: float
    cpu: float
    wall: float

    @property
    def sound(self) -> bool:
        """Nothing lost, doubled or out of order."""
        return not (any(self.missing) or self.repeated or self.disorder)

    @property
    def complaint(self) -> str:
        """What broke, empty when nothing."""
        if self.sound:
            return ""
        names = ("acks", "own copies", "deliveries", "receipts")
        lost = [f"{n} {name}" for n, name in zip(self.missing, names, strict=True) if n]
        text = f"lost {', '.join(lost) or 'nothing'}, repeated {self.repeated}"
        return f"{text}, out of order {self.disorder}"

    def percentile(self, share: float, of_acks: bool = False) -> float:
        """In milliseconds; infinite when a message was refused or never came."""
        values = self.acks if of_acks else self.receipts
        missing = self.sent - len(values)
        index = min(int((len(values) + missing) * share), len(values) + missing - 1)
        return values[index] * 1000 if 0 <= index < len(values) else float("inf")


class Tally:
    """What became of each message of a run."""

    def __init__(self, capacity: int, rate: float) -> None:
        self.start = clock()
        self.rate = rate
        self.acked = bytearray(capacity)
        self.copied = bytearray(capacity)
        self.delivered = bytearray(capacity)
        self.receipted = bytearray(capacity)
        self.acks: list[float] = []
        self.receipts: list[float] = []
        self.refused = 0
        self.disorder = 0
        self.run = uuid.uuid4().hex[:4]


class Side(Session):
    """One end of a pair."""

    __slots__ = ("answer", "chat", "letter", "mine", "place", "send_a", "send_b", "tally", "told")

    def __init__(
        self, reactor: Reactor, sock: socket.socket, hello: bytes, chat: str, side: int
    ) -> None:
        super().__init__(reactor, sock, hello)
        self.chat = chat
        self.tally = Tally(1, 1.0)  # until a run begins only pings come
        self.letter = _SIDES[side]
        self.answer = b'{"type":"received","positions":{"%s":' % chat.encode()
        self.place = -1  # the newest position seen; -1: unknown until the first
        self.told = 0  # the newest position a receipt has covered
        self.mine: deque[tuple[int, int]] = deque()  # own messages not yet covered

    def caught_up(self) -> None:
        self.place = self.positions.get(self.chat, -1)

    def begin(self, tally: Tally) -> None:
        """Take part in a run: prepare what does not change from message to message."""
        self.tally = tally
        self.mine.clear()
        # UUIDs of version 7 begin with the time, so that they grow; 12 digits count messages.
        ms = b"%012x" % int(time.time() * 1000)
        prefix = b'{"type":"send","client_id":"%s-%s-7%s-8000-' % (
            ms[:8],
            ms[8:],
            tally.run[:3].encode(),
        )
        middle = b'","chat_id":"%s","content":"' % self.chat.encode()
        length = len(prefix) + 12 + len(middle) + 8 + 1 + len(_FILL) + 2
        self.send_a = wire.header(length) + prefix
        self.send_b = middle + b"%08x" + bytes((self.letter,)) + _FILL + b'"}'

    def send(self, number: int) -> None:
        """Send message `number` now."""
        self.write(self.send_a + b"%012x" % number + self.send_b % number)

    def live(self, data: bytes) -> None:
        if self.rest:
            data, self.rest = self.rest + data, b""
        tally = self.tally
        now = clock() - tally.start
        at, size, newest = 0, len(data), 0
        find = data.find
        while at < size:
            if size - at < 4:
                self.rest = data[at:]
                break
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = data[at + 2] << 8 | data[at + 3], at + 4
            elif length == 127:
                length, start = int.from_bytes(data[at + 2 : at + 10]), at + 10
            end = start + length
            if end > size:
                self.rest = data[at:]
                break
            if data[at] != 0x81:
                self.control(data[at], data[start:end])
                at = end
                continue
            # {"type":"X…: the letters 9 and 11 of a frame tell all types apart that matter here.
            kind = data[start + 9]
            if kind == 109 and data[start + 11] == 115:  # message
                where = find(b'"seq":', start) + 6
                seq = int(data[where : find(b",", where)])
                if seq != self.place + 1 and self.place >= 0:
                    tally.disorder += 1
                self.place = seq
                where = find(b'"content":"', where) + 11
                number = int(data[where : where + 8], 16)
                if data[where + 8] == self.letter:
                    tally.copied[number] += 1
                    self.mine.append((seq, number))
                    if seq <= self.told:
                        self.covered(now)
                else:
                    tally.delivered[number] += 1
                    newest = seq
            elif kind == 97:  # ack
                where = find(b'"client_id":"', start) + 37
                number = int(data[where : where + 12], 16)
                tally.acked[number] += 1
                tally.acks.append(now - number / tally.rate)
            elif kind == 100 or (kind == 114 and data[start + 11] == 97):  # delivered, or read
                where = find(b'"seq":', start) + 6
                seq = int(data[where : find(b",", where)])
                if seq > self.told:
                    self.told = seq
                    self.covered(now)
            elif kind == 101:  # error
                self.refused(data[start:end])
            at = end
        if newest:
            payload = self.answer + b"%d}}" % newest
            self.write(wire.HEADS[len(payload)] + payload)

    def covered(self, now: float) -> None:
        """Count own messages up to the newest receipt."""
        mine, told, tally = self.mine, self.told, self.tally
        while mine and mine[0][0] <= told:
            number = mine.popleft()[1]
            tally.receipted[number] += 1
            tally.receipts.append(now - number / tally.rate)

    def refused(self, payload: bytes) -> None:
        """An `error`: the answer to a send, or something that must not be."""
        if b'"ref":"' in payload and (b'"overloaded"' in payload or b'"rate_limited"' in payload):
            self.tally.refused += 1
        else:
            self.fail(payload.decode())


class Pairs:
    """Pairs of sessions that are ready; `run` may be called several times."""

    def __init__(self, reactor: Reactor, sides: list[Side]) -> None:
        self._reactor = reactor
        self._sides = sides  # 2p and 2p + 1 are a pair

    def run(
        self, rate: float, seconds: float, beside: Callable[[float], None] | None = None
    ) -> Outcome:
        """Send at this rate for so long, then wait for the receipts. Garbage is left lying.

        `beside` is called in every turn with the seconds since the start. Ends early when 3 s
        worth of messages are unanswered: the rate is beyond the server.
        """
        total = int(rate * seconds)
        tally = Tally(total, rate)
        for side in self._sides:
            side.begin(tally)
        gc.collect()
        gc.disable()
        try:
            return self._run(tally, total, seconds, beside)
        finally:
            gc.enable()

    def _run(
        self, tally: Tally, total: int, seconds: float, beside: Callable[[float], None] | None
    ) -> Outcome:
        sides, pairs, rate = self._sides, len(self._sides) // 2, tally.rate
        turn, receipts = self._reactor.turn, tally.receipts
        late: list[float] = []
        limit = max(3 * rate, 1000)
        sent = 0
        tally.start = start = clock()
        cpu = time.process_time() - self._reactor.idle
        while sent < total:
            due = int((clock() - start) * rate) + 1
            if due > sent:
                late.append(clock() - start - sent / rate)
                for number in range(sent, min(due, total)):
                    round_, pair = divmod(number, pairs)
                    sides[2 * pair + ((round_ + pair) & 1)].send(number)
                sent = min(due, total)
            if beside is not None:
                beside(clock() - start)
            turn(max(0.0, start + sent / rate - clock()))
            if sent - len(receipts) - tally.refused > limit:
                break
        self._reactor.run_until(
            lambda: len(receipts) + tally.refused >= sent or bool(self._reactor.broken),
            MORE if sent == total else 3 * MORE,
        )
        wall = clock() - start
        used = time.process_time() - self._reactor.idle - cpu
        counts = (tally.acked, tally.copied, tally.delivered, tally.receipted)
        ordered = sorted(late)
        return Outcome(
            rate=rate,
            seconds=seconds,
            sent=sent,
            counted=len(receipts),
            refused=tally.refused,
            missing=tuple(c.count(0, 0, sent) - tally.refused for c in counts),
            repeated=sum(sent - c.count(0, 0, sent) - c.count(1, 0, sent) for c in counts),
            disorder=tally.disorder,
            acks=sorted(tally.acks),
            receipts=sorted(receipts),
            lateness=ordered[int(len(ordered) * 0.99)] if ordered else 0.0,
            cpu=used / wall,
            wall=wall,
        )
