"""Whose presence is on whose screen: this process's connections, by whom they look at."""

from collections.abc import Callable, Iterable, Mapping

from hubbub import present
from hubbub.delivery.interest import Interest
from hubbub.delivery.outgoing import Encoders, Outgoing
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.events import PresenceEvent
from hubbub.ports.nodes import Topic, watched


class Watchers:
    """Nothing is kept of connections that look at nobody.

    `missed`: those that are to ask anew, since they took nothing when there was news, or since
    somebody stands to others in another way. `unsettled` counts how often the latter was so.
    """

    def __init__(self, encoders: Encoders, interest: Interest | None = None) -> None:
        self._interest = interest or Interest(None)
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
            watchers = self._watchers.get(user_id)
            if watchers is None:
                watchers = self._watchers[user_id] = {}
                self._interest.hold(watched(user_id))
            watchers[subscriber] = sees

    def has(self, subscriber: Subscriber) -> bool:
        """Whether it looks at somebody, or at nobody where that is all that it asked for."""
        return subscriber in self._watched

    def unwatch(self, subscriber: Subscriber) -> None:
        """It looks at nobody."""
        self.missed.pop(subscriber, None)
        for user_id in self._watched.pop(subscriber, ()):
            watchers = self._watchers[user_id]
            del watchers[subscriber]
            if not watchers:
                del self._watchers[user_id]
                self._interest.drop(watched(user_id))

    def topics(self) -> list[Topic]:
        """What is held here."""
        return [*map(watched, self._watchers)]

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
