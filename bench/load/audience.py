"""Members of one group in processes of their own, where one process may not open so many files."""

import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from typing import Any

from bench import machine
from bench.load.members import Group, Member
from bench.load.reactor import Address, Reactor, clock
from bench.load.sessions import Broken, Crowd, check, hello

_OPEN = 600.0
_ARRIVE = 60.0


class Audience:
    """All of them. `heard` waits for a message at every one of them."""

    def __init__(self, ends: Sequence[Any]) -> None:
        self._ends = ends

    def heard(self) -> float:
        """When the last of them had the next message, by the clock of `reactor`. Raises Broken."""
        return max(_answer(end, _ARRIVE) for end in self._ends)


@contextmanager
def audience(
    addresses: Sequence[Address], tokens: Sequence[str], chat: str, processes: int
) -> Iterator[Audience]:
    """The users of these tokens, connected to each address in turn, until the block ends."""
    context = multiprocessing.get_context("fork")
    ends, started = [], []
    try:
        for number in range(processes):
            end, other = context.Pipe()
            mine = tokens[number::processes]
            one = context.Process(target=_listen, args=(other, addresses, mine, chat), daemon=True)
            one.start()
            other.close()
            ends.append(end)
            started.append(one)
            _answer(end, _OPEN)  # one after the other: they would take the core from each other
        yield Audience(ends)
    finally:
        for end in ends:
            end.close()
        for one in started:
            one.terminate()
            one.join(10)


def _answer(end: Any, seconds: float) -> float:
    if not end.poll(seconds):
        raise Broken(f"a listening process said nothing for {seconds:.0f} s")
    try:
        said: float | str = end.recv()
    except EOFError:
        raise Broken("a listening process ended") from None
    if isinstance(said, str):
        raise Broken(said)
    return said


def _listen(
    end: "Connection[Any, Any]", addresses: Sequence[Address], tokens: Sequence[str], chat: str
) -> None:
    machine.pin(machine.LOAD_CORE)
    reactor, group = Reactor(patient=True), Group(chat)
    try:
        members = Crowd(reactor, *addresses).open(
            len(tokens),
            lambda i, sock: Member(reactor, sock, hello(addresses[0], tokens[i]), group),
            _OPEN,
        )
        end.send(clock())
        for number in count(1):
            want = number * len(members)
            if not reactor.run_until(partial(group.has_reached, want), 2 * _OPEN):
                raise Broken(f"{want - group.deliveries} of {len(members)} heard nothing")
            end.send(clock())
            check(reactor)
            if group.disorder:
                raise Broken("out of order or repeated")
    except (Broken, OSError) as error:
        end.send(str(error))
