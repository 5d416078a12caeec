"""Several nodes, with one rule of theirs taken out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from hubbub.actions.send_message import Accept
from hubbub.delivery import bus, interest
from hubbub.delivery.concerns import concerns
from hubbub.delivery.hearing import Hearing
from hubbub.domain.events import CountsEvent, Event, OwnEvent, ReceiptEvent
from tests.simulation.bus import Switch


def lost_letters_ignored() -> Any:
    """Whatever number a letter has, nothing was lost."""
    receive = bus.Bus.receive

    def trusting(self: Any, data: bytes) -> None:
        with patch.object(Hearing, "lost", lambda hearing: None):
            receive(self, data)

    return patch.object(bus.Bus, "receive", trusting)


def no_beats() -> Any:
    """Only the next letter tells that the last one was lost."""
    return patch.object(bus, "_is_due", lambda beats: False)


def deaths_unnoticed() -> Any:
    """Who has died tells nobody what he committed last, and nobody looks."""
    catch_up = bus.Bus.catch_up

    def trusting(self: Any, why: bus.Why) -> None:
        if why != "node":
            catch_up(self, why)

    return patch.object(bus.Bus, "catch_up", trusting)


def leases_never_end() -> Any:
    """Who has died is named among the others for ever."""
    return patch.object(Switch, "alive", lambda self, number: number in self.living)


@contextmanager
def read_before_placed() -> Iterator[None]:
    """The store is read for who resumes while others do not know yet that he is here."""

    async def later(self: Any) -> None:
        """In a minute, or the next one."""

    with (
        patch.object(interest, "EVERY", 60.0),
        patch.object(interest.Interest, "placed", later),
    ):
        yield


def receipts_at_home() -> Any:
    """Who is connected elsewhere is not told how far his messages have come."""
    return _at_home(ReceiptEvent)


def counts_at_home() -> Any:
    """How many have a message is told where they are, not where its author is."""
    return _at_home(CountsEvent)


def own_log_at_home() -> Any:
    """What a user does at one node, his devices at others do not hear."""
    return _at_home(OwnEvent)


def _at_home(kind: type[Event]) -> Any:
    return patch.object(
        bus, "concerns", lambda event: () if isinstance(event, kind) else concerns(event)
    )


def undated_posts() -> Any:
    """What was permitted is stored, though the chat has changed since."""
    return patch.object(Accept, "_dated", lambda self, verdict, changes: verdict)
