"""The message path and the verbs, joined. Knows ports only: a simulation runs the same core."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final

from hubbub.actions.amend_message import AmendMessage
from hubbub.actions.announce_reactions import AnnounceReactions
from hubbub.actions.authenticate import Authenticate
from hubbub.actions.compose import Compose
from hubbub.actions.create_invite import CreateInvite
from hubbub.actions.directory import Directory
from hubbub.actions.forward import Forward
from hubbub.actions.mark import MarkRead, MarkReceived
from hubbub.actions.pace import Pace
from hubbub.actions.send_message import Accept, refusal
from hubbub.actions.show_typing import ShowTyping
from hubbub.actions.sync import chats, places
from hubbub.actions.visits import Visits
from hubbub.delivery.announce import Announcer
from hubbub.delivery.away import Away
from hubbub.delivery.bus import Bus
from hubbub.delivery.counting import Counting
from hubbub.delivery.fanout import Fanout
from hubbub.delivery.flight import Flight
from hubbub.delivery.hearing import Hearing
from hubbub.delivery.hub import Hub
from hubbub.delivery.interest import Interest
from hubbub.delivery.outgoing import encoders
from hubbub.delivery.presence import Presence
from hubbub.delivery.receipts import Receipts
from hubbub.delivery.recent import Recent
from hubbub.delivery.relay import Relay
from hubbub.delivery.replay import Replays
from hubbub.delivery.watchers import Watchers
from hubbub.domain.events import Event, RevokedEvent, UnsureEvent
from hubbub.domain.revocation import Revocations
from hubbub.domain.roster import Roster
from hubbub.entry.ws.parts import SessionParts
from hubbub.entry.ws.registry import Registry
from hubbub.ingest import Ingest
from hubbub.ports import Unavailable
from hubbub.wiring.world import Settings, World
from hubbub_protocol import codec, frames
from hubbub_protocol.codes import Close

MAX_BESIDE: Final = 1_000
"""Small tasks beside the message path: looking up what a frame names."""
STRANGERS_EVERY: Final = 1.0
TABS_EVERY: Final = 5.0


class Core:
    """The joined parts. `run` keeps them going; nothing works before it."""

    def __init__(self, world: World, told: Settings) -> None:
        clock = world.clock
        self.world = world
        self.told = told
        self.maker = world.maker
        self.roster = Roster()
        alone = world.nodes is None
        self.flight = Flight(exact=alone)
        self.hub = Hub(Interest(world.nodes))
        self.encoders = encoders(world.framing)
        self.fanout = Fanout(self.hub, clock.monotonic, self.flight)
        self.counting = Counting(
            self.hub, self.encoders, self.roster, world.chats, self.publish, alone
        )
        sources = (world.chats, Receipts(world.reader, self.counting), world.own_log)
        self.replays = Replays(self.hub, *sources, clock, told.bounds, self.flight)
        watchers = Watchers(self.encoders, self.hub.interest)
        self.relay = Relay(
            self.hub,
            self.encoders,
            self.fanout,
            watchers,
            self.counting,
            self.replays.reread,
            alone,
        )
        self.bus = None if world.nodes is None else Bus(world.nodes, self.relay.deliver)
        self.recent: Recent | None = None
        if world.excerpts is not None:
            self.recent = Recent(world.excerpts, self.hub, world.nodes, told.recent_bytes)
        self.away = Away(self.hub, world.nodes, self.load, self.publish, self.replays.go_on)
        self.replays.wait = self.away.wait
        announcer = Announcer(
            self.roster,
            world.chats,
            self.publish,
            self.counting.moved,
            self.flight,
            self._begin_anew,
            self.hub.flush,
        )
        self.accept = Accept(
            self.roster,
            world.chats,
            world.relations,
            Forward(world.referring),
            self.maker,
            clock,
        )
        self.accept.alone = alone

        self.ingest = Ingest(
            world.chats, self.accept, announcer, self.hub.is_large, clock, told.ingest
        )
        self.ingest.on_away = self.away.notice
        self.reactions = AnnounceReactions(world.chats, self.ingest, clock)
        announcer.is_large = self.hub.is_large
        announcer.on_waiting = self.reactions.wake
        self.presence = Presence(
            self.hub,
            watchers,
            world.relations,
            self.publish,
            self.ingest.do,
            clock,
            told.offline_after,
        )
        self.revocations = Revocations(told.token_ms)
        self.registry = Registry(clock.now_ms, clock.monotonic)
        self.revocations.watch(self.registry.revoke)
        if self.bus is not None:
            self.bus.hearing = Hearing(
                hub=self.hub,
                watchers=watchers,
                roster=self.roster,
                replays=self.replays,
                presence=self.presence,
                recent=self.recent,
                away=self.away,
                revoke=lambda sessions: self.revocations.heard(sessions, clock.now_ms()),
                load=self.load,
                wake=self.reactions.wake,
            )
            self.hub.interest.on_late = partial(self.bus.catch_up, "late")
            self.revocations.on_added = lambda session: self.publish([RevokedEvent(session)])
        self._beside = 0
        self._group: asyncio.TaskGroup | None = None
        limits = told.limits
        self.pace = Pace(clock, limits.messages_per_second, limits.message_burst, world.buckets)
        self.directory = Directory(world.accounts, world.host_accounts)
        self.compose = Compose(
            limits, self.maker, clock, self.pace, self.ingest.count, self.directory
        )
        named = (self.compose.mentions, self.directory.learn)
        self.amend = AmendMessage(self.ingest, clock, limits, self.compose.limit, *named)
        self.authenticate = self._authenticate()
        self.received = MarkReceived(self.ingest, self.roster, clock)
        self.read = MarkRead(self.ingest, world.reader, self.ingest.do, clock)
        self.typing = ShowTyping(
            self.roster, world.chats, self.publish, clock, world.relations, self.hub.stance
        )
        self.invite = CreateInvite(
            world.accounts, world.invites, clock, told.registration, told.base_url
        )

    async def run(self) -> None:
        """Keep everything going until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self.ingest.run())
            group.create_task(self.fanout.run())
            group.create_task(self.counting.run())
            group.create_task(self.replays.run())
            group.create_task(self.away.run())
            group.create_task(self.presence.run())
            group.create_task(self.reactions.run())
            if self.bus is not None:
                group.create_task(self.bus.run())
                group.create_task(self.bus.hearing.run())
                group.create_task(self.hub.interest.run())
                group.create_task(self.pace.run())
            if self.recent is not None:
                group.create_task(self.recent.run())
            group.create_task(self._tick(STRANGERS_EVERY, self.registry.tick_strangers))
            group.create_task(self._tick(TABS_EVERY, self.registry.tick))
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None  # no more tasks beside, while these end

    async def load(self) -> None:
        """What must be known before the first request: sessions that were revoked lately."""
        now = self.world.clock.now_ms()
        found = await self.world.accounts.revoked(now - self.told.token_ms)
        self.revocations.heard(found, now)

    def publish(self, events: Sequence[Event]) -> None:
        """This was committed here, or is said without a commit."""
        if self.recent is not None:
            self.recent.heard(events)
        if self.bus is None:
            self.relay.deliver(events)
        else:
            self.bus.publish(events)

    def _begin_anew(self, event: UnsureEvent) -> None:
        """The store went away over a commit: what connections have is not known any more."""
        if self.recent is not None:
            self.recent.heard([event])
        if self.bus is not None:
            self.bus.unsure(event)
            return
        self.roster.unsure(event)
        self.relay.forget()
        self.hub.close_all(Close.TRY_LATER, "the store was away; resume")

    async def _tick(self, seconds: float, what: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            what()

    def spawn(self, work: Coroutine[Any, Any, object]) -> bool:
        """Run beside the message path; False when too much does already."""
        if self._group is None or self._beside >= MAX_BESIDE:
            work.close()
            return False
        self._beside += 1
        self._group.create_task(self._watched(work))
        return True

    async def _watched(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except Unavailable:
            pass  # what it was to look up is not answered; the client asks again
        finally:
            self._beside -= 1

    def session_parts(self) -> SessionParts:
        """What WebSocket sessions use."""
        told, clock = self.told, self.world.clock
        limits = told.limits
        return SessionParts(
            authenticate=self.authenticate.now,
            enter=self.authenticate,
            learn=self.directory.learn,
            compose=self.compose,
            limit=self.compose.limit,
            put=self.ingest.put,
            target=self.accept.target,
            amend=self.amend.from_frame,
            refusal=refusal,
            received=self.received,
            received_to=self.received.position,
            received_at=self.received.at,
            read_to=self.read.position,
            read_message=self.read,
            typing=self.typing.now,
            look_up_typing=self.typing.look_up,
            focus=self.presence.focus,
            places=places,
            chats=chats,
            spawn=self.spawn,
            replays=self.replays,
            hub=self.hub,
            encoders=self.encoders,
            registry=self.registry,
            now_ms=clock.now_ms,
            monotonic=clock.monotonic,
            json=codec.server_codec(binary=False),
            msgpack=codec.server_codec(binary=True),
            heartbeat=told.heartbeat,
            limits=frames.Limits(
                limits.content_bytes,
                told.frame_bytes,
                limits.media,
                limits.recipients,
                limits.mentions,
            ),
        )

    def _authenticate(self) -> Authenticate:
        world, told = self.world, self.told
        visits = None
        if world.host_tokens is not None:
            visits = Visits(
                world.host_tokens,
                world.host_accounts,
                self.revocations,
                self.maker,
                world.clock,
                told.token_ms,
                told.refresh_days,
            )
        return Authenticate(world.tokens, visits, self.revocations, world.clock)
