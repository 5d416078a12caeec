"""Whose presence is on whose screen: this process's connections, by whom they look at."""

from collections.abc import Callable, Iterable, Mapping

from hubbub import present
from hubbub.delivery.outgoing import Encoders, Outgoing
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.events import PresenceEvent


class Watchers:
    """Nothing is kept of connections that look at nobody.

    `missed`: those that are to ask anew, since they took nothing when there was news, or since
    somebody stands to others in another way. `unsettled` counts how often the latter was so.
    """

    def __init__(self, encoders: Encoders) -> None:
        self._encoders = encoders
        self._watchers: dict[int, dict[Subscriber, bool]] = {}
        self._watched: dict[Subscriber, tuple[int, ...]] = {}
        self.missed: dict[Subscriber, None] = {}
        self.on_missed: Callable[[], None] = lambda: None
        self.unsettled = 0

    def watch(self, subscriber: Subscriber, users: Mapping[int, bool]) -> None:
        """It looks at these users, and at no others any more; and whether it may see them."""
        self.unwatch(subscriber)
        self._watched[subscriber] = tuple(users)
        for user_id, sees in users.items():
            self._watchers.setdefault(user_id, {})[subscriber] = sees

    def unwatch(self, subscriber: Subscriber) -> None:
        """It looks at nobody."""
        self.missed.pop(subscriber, None)
        for user_id in self._watched.pop(subscriber, ()):
            watchers = self._watchers[user_id]
            del watchers[subscriber]
            if not watchers:
                del self._watchers[user_id]

    def unsettle(self, user_id: int, own: Iterable[Subscriber]) -> None:
        """He stands to others in another way: who looks at him asks anew, and his `own` do."""
        self.unsettled += 1
        for subscriber in (*self._watchers.get(user_id, ()), *own):
            self.unwatch(subscriber)
            self._miss(subscriber)

    def tell(self, event: PresenceEvent) -> None:
        """Tell those who look at the user, and may see him."""
        watchers = self._watchers.get(event.user_id)
        if watchers is None:
            return
        outgoing = Outgoing(present.presence(event.user_id, event.online, event.at), self._encoders)
        for subscriber, sees in watchers.items():
            if subscriber.blocked:
                self._miss(subscriber)
            elif sees:
                subscriber.loose(outgoing)

    def _miss(self, subscriber: Subscriber) -> None:
        self.missed[subscriber] = None
        self.on_missed()
