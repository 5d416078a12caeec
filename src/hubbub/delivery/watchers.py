"""Whose presence is on whose screen: this process's connections, by whom they look at."""

from collections.abc import Iterable

from hubbub import present
from hubbub.delivery.outgoing import Encoders, Outgoing
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.events import PresenceEvent


class Watchers:
    """Nothing is kept of connections that look at nobody.

    `missed`: those that took nothing when there was news; they are to be told again.
    """

    def __init__(self, encoders: Encoders) -> None:
        self._encoders = encoders
        self._watchers: dict[int, dict[Subscriber, None]] = {}
        self._watched: dict[Subscriber, tuple[int, ...]] = {}
        self.missed: set[Subscriber] = set()

    def watch(self, subscriber: Subscriber, user_ids: Iterable[int]) -> None:
        """It looks at these users, and at no others any more."""
        self.unwatch(subscriber)
        watched = self._watched[subscriber] = tuple(dict.fromkeys(user_ids))
        for user_id in watched:
            self._watchers.setdefault(user_id, {})[subscriber] = None

    def unwatch(self, subscriber: Subscriber) -> None:
        """It looks at nobody."""
        self.missed.discard(subscriber)
        for user_id in self._watched.pop(subscriber, ()):
            watchers = self._watchers[user_id]
            del watchers[subscriber]
            if not watchers:
                del self._watchers[user_id]

    def tell(self, event: PresenceEvent) -> None:
        """Tell those who look at the user."""
        watchers = self._watchers.get(event.user_id)
        if watchers is None:
            return
        outgoing = Outgoing(present.presence(event.user_id, event.online, event.at), self._encoders)
        for subscriber in watchers:
            if subscriber.blocked:
                self.missed.add(subscriber)
            else:
                subscriber.loose(outgoing)
