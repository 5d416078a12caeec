"""What several scenarios do: pairs of users, members of a group, and how they are described."""

import socket
from collections.abc import Callable

from bench.context import Ground
from bench.load import wire
from bench.load.members import Group, Member
from bench.load.pairs import Outcome, Side
from bench.load.reactor import Reactor
from bench.load.sessions import RESUME, Crowd, Session, hello
from bench.plan import ChatPlan

PAIRS = 500


def pair_chats(pairs: int) -> list[ChatPlan]:
    """A direct chat for users 2p and 2p + 1, for each p."""
    return [ChatPlan((2 * pair, 2 * pair + 1)) for pair in range(pairs)]


def open_sides(ground: Ground, pairs: int) -> list[Side]:
    """The users of `pair_chats`, whose chats are the first of the plan, connected."""
    world, address = ground.world, ground.address
    return Crowd(ground.reactor, address, *ground.others).open(
        2 * pairs,
        lambda i, sock: Side(
            ground.reactor, sock, hello(address, world.tokens[i]), world.chats[i // 2], i & 1
        ),
    )


def open_members(
    ground: Ground,
    group: Group,
    tokens: list[str],
    resume: bytes = RESUME,
) -> list[Member]:
    """Members of a group, connected; the first is in front, the others in the background."""
    reactor, address = ground.reactor, ground.address

    def maker(first: int) -> Callable[[int, socket.socket], Member]:
        return lambda i, sock: Member(
            reactor, sock, hello(address, tokens[first + i]), group, resume
        )

    crowd = Crowd(reactor, address)
    speaker = crowd.open(1, maker(0))
    return speaker + crowd.open(len(tokens) - 1, maker(1), background=True)


def resume_frame(positions: dict[str, int]) -> bytes:
    """A `resume` from these places."""
    inner = ",".join(f'"{log}":{position}' for log, position in positions.items())
    return wire.frame(b'{"type":"resume","positions":{%s}}' % inner.encode())


def describe(outcome: Outcome) -> str:
    """A run in one line."""
    wrong = f"; BROKEN: {outcome.complaint}" if outcome.complaint else ""
    return (
        f"{outcome.rate:.0f}/s asked: {outcome.sent} sent, {outcome.counted} counted, "
        f"{outcome.refused} refused; receipt p50 {outcome.percentile(0.5):.2f} "
        f"p99 {outcome.percentile(0.99):.2f} p99.9 {outcome.percentile(0.999):.2f} ms, "
        f"ack p50 {outcome.percentile(0.5, of_acks=True):.2f} "
        f"p99 {outcome.percentile(0.99, of_acks=True):.2f} ms{wrong}"
    )


def load(outcome: Outcome) -> str:
    """What the generator took."""
    return f"{outcome.cpu:.0%} CPU, {outcome.lateness * 1000:.1f} ms late (p99)"


class Bare(Session):
    """A handshake without a token: ready as soon as it is answered. Its end is not a failure."""

    __slots__ = ()

    def upgraded(self) -> None:
        self.ready = True

    def setup(self, data: bytes) -> None:
        """Whatever comes afterwards does not matter."""

    def lost(self) -> None:
        """The server gives up on those that do not sign in."""


def make_bare(reactor: Reactor, ground: Ground) -> Callable[[int, socket.socket], Bare]:
    """For `Crowd.open`."""
    address = ground.address
    return lambda _, sock: Bare(reactor, sock, hello(address, None))
