"""Members of a group who are connected and answer every message, new or changed, with `received`.

All members get the same bytes, so each chunk is compared with the newest one before it is read:
then a delivery costs the generator little more than its two system calls.
"""

import gc
import json
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from bench.load import wire
from bench.load.reactor import Reactor, clock
from bench.load.sessions import RESUME, Broken, Session, check

_FILL = "to everyone: " + "one line of ordinary length, as people write them in groups. " * 2


class Group:
    """What the members of one group have in common."""

    def __init__(self, chat: str) -> None:
        self.chat = chat
        self.newest = 0  # position of the chunk below
        self.chunk = b""  # a frame as most members get it, and what they answer
        self.answer = b""
        self.deliveries = 0
        self.disorder = 0
        self.acks: dict[str, float] = {}  # client_id or ref → when
        self.messages: list[str] = []  # the ids of those acknowledged, in order
        self.counted = (0, 0)  # a position, and how many have it, as its author was told last

    def has_reached(self, deliveries: int) -> bool:
        """Whether there were so many."""
        return self.deliveries >= deliveries

    def acked(self, ack: dict[str, str]) -> None:
        """A send or a change is stored."""
        self.acks[ack.get("ref") or ack["client_id"]] = clock()
        if "client_id" in ack:
            self.messages.append(ack["id"])

    def received(self, seq: int) -> bytes:
        """The frame that says so."""
        payload = f'{{"type":"received","positions":{{"{self.chat}":{seq}}}}}'
        return wire.frame(payload.encode())


class Member(Session):
    """One connected member. `place` is the newest position seen, -1 before the first."""

    __slots__ = ("group", "place")

    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        hello: bytes,
        group: Group,
        resume: bytes = RESUME,
    ) -> None:
        super().__init__(reactor, sock, hello, resume)
        self.group = group
        self.place = -1

    def caught_up(self) -> None:
        self.place = self.positions.get(self.group.chat, -1)

    def live(self, data: bytes) -> None:
        group = self.group
        if data == group.chunk and self.place == group.newest - 1:
            self.place = group.newest
            group.deliveries += 1
            self.write(group.answer)
            return
        data = self.rest + data
        at, newest = 0, 0
        while found := wire.one(data, at):
            opcode, start, end = found
            if opcode != wire.TEXT:
                self.control(opcode, data[start:end])
            elif data.startswith(b'{"type":"message"', start):
                newest = self.message(data, start)
                if end - at == len(data):
                    group.chunk, group.newest = data, newest
                    group.answer = group.received(newest)
            elif data.startswith(b'{"type":"ack"', start):
                group.acked(json.loads(data[start:end]))
            elif data.startswith(b'{"type":"receipt_counts"', start):
                counts = json.loads(data[start:end])
                group.counted = counts["seq"], counts["delivered"]
            elif data.startswith(b'{"type":"error"', start):
                self.fail(data[start:end].decode())
            at = end
        self.rest = data[at:]
        if newest:
            self.write(group.received(newest))

    def message(self, data: bytes, start: int) -> int:
        """Take one message; its position."""
        where = data.find(b'"rev":', start) + 6
        rev = int(data[where : data.find(b",", where)])
        if self.place >= 0 and rev != self.place + 1:
            self.group.disorder += 1
        self.place = rev
        self.group.deliveries += 1
        return rev


@dataclass(slots=True)
class Talk:
    """Messages sent to the group, one after the other. Times in seconds."""

    members: int
    sent: int = 0
    deliveries: int = 0
    disorder: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    acks: list[float] = field(default_factory=list)
    spreads: list[float] = field(default_factory=list)  # send → the last member has it


class Speaker:
    """Sends to the group through one of its members; changes, one after the other, what it sent."""

    def __init__(self, group: Group, member: Member) -> None:
        self.group = group
        self._member = member
        self._prefix = f"{int(time.time() * 1000):012x}"
        self._run = uuid.uuid4().hex[:3]
        self._number = 0
        self._about: list[str] = []  # messages to be changed

    def send(self) -> str:
        """Send the next message; its client_id."""
        self._number += 1
        time_ = self._prefix
        client_id = f"{time_[:8]}-{time_[8:]}-7{self._run}-8000-{self._number:012x}"
        return self._write(
            f'{{"type":"send","client_id":"{client_id}","chat_id":"{self.group.chat}",'
            f'"content":"{self._number} {_FILL}"}}',
            client_id,
        )

    def go_back(self, count: int) -> None:
        """The next changes are of the messages sent last, so many, from the oldest of them on."""
        self._about = self.group.messages[-count:]

    def edit(self) -> str:
        """Change what the next message says; the ref of the change."""
        return self._change("edit", f'"content":"{self._number + 1} {_FILL}"')

    def react(self) -> str:
        """Put an emoji to the next message; the ref of the change."""
        return self._change("react", '"emoji":"👍"')

    def _change(self, kind: str, fields: str) -> str:
        self._number += 1
        ref = f"{kind}-{self._number}"
        about = f'"message_id":"{self._about.pop(0)}","ref":"{ref}"'
        return self._write(f'{{"type":"{kind}",{about},{fields}}}', ref)

    def _write(self, payload: str, name: str) -> str:
        self._member.write(wire.frame(payload.encode()))
        return name


def _complete(group: Group, deliveries: int, name: str) -> bool:
    return group.has_reached(deliveries) and name in group.acks


def talk(
    reactor: Reactor, group: Group, members: list[Member], count: int, pause: float = 0.0
) -> Talk:
    """Send `count` messages. Raises Broken: see `say`."""
    return say(reactor, members, count, Speaker(group, members[0]).send, pause)


def say(
    reactor: Reactor,
    members: list[Member],
    count: int,
    what: Callable[[], str],
    pause: float = 0.0,
) -> Talk:
    """Say `what` so often, each time when all have the one before and `pause` has passed.

    Raises Broken when something does not reach everybody within 30 s.
    """
    group = members[0].group
    done = Talk(len(members))
    before = group.deliveries
    gc.collect()
    gc.disable()
    start, cpu = clock(), time.process_time() - reactor.idle
    for number in range(count):
        while pause and clock() < start + number * pause:
            reactor.turn(start + number * pause - clock())
        sent = clock()
        name = what()
        want = before + (number + 1) * len(members)
        arrived = reactor.run_until(partial(_complete, group, want, name), 30)
        check(reactor)
        if not arrived:
            missing = want - group.deliveries
            raise Broken(f"number {number + 1} did not reach {missing} of {len(members)} members")
        done.spreads.append(clock() - sent)
        done.acks.append(group.acks[name] - sent)
    done.cpu = time.process_time() - reactor.idle - cpu
    done.wall = clock() - start
    gc.enable()
    # What a member got twice would still be on its way.
    reactor.run_until(lambda: False, 0.2)
    done.sent, done.deliveries = count, group.deliveries - before
    done.disorder = group.disorder
    return done
