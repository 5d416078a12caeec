"""Who is here: this process's connections by user, and by large chat."""

from collections.abc import Callable

from hubbub.delivery.authors import Authors
from hubbub.delivery.interest import Interest
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.relation import Stance
from hubbub.ports.nodes import Topic, large, user

Here = Subscriber | tuple[Subscriber, ...]


class HubStatistics:
    """Counted per flush."""

    __slots__ = ("blocked", "frames")

    def __init__(self) -> None:
        self.frames = 0
        self.blocked = 0


class Hub:
    """Nothing is kept per user who is not here, nor per connection and small chat."""

    def __init__(self, interest: Interest | None = None) -> None:
        self.interest = interest or Interest(None)
        self._users: dict[int, Here] = {}
        self._large: dict[int, dict[Subscriber, int]] = {}
        self.is_large = self._large.__contains__
        """Whether somebody here subscribes to a chat as a large one."""
        self._dirty: list[Subscriber] = []
        self.mark_dirty = self._dirty.append
        """A connection has something to write."""
        self.statistics = HubStatistics()
        self.authors = Authors()
        self.on_arrival: list[Callable[[Subscriber], None]] = []
        self.on_departure: list[Callable[[Subscriber], None]] = []
        """Those who hear of whoever comes, and is gone."""

    def __len__(self) -> int:
        return len(self._users)

    # ── who is here ──

    def attach(self, subscriber: Subscriber) -> None:
        """From now on it hears of its user's events."""
        here = self._users.get(subscriber.user_id)
        if here is None:
            self._users[subscriber.user_id] = subscriber
            self.interest.hold(user(subscriber.user_id))
        elif isinstance(here, Subscriber):
            if here is not subscriber:
                self._users[subscriber.user_id] = (here, subscriber)
        elif subscriber not in here:
            self._users[subscriber.user_id] = (*here, subscriber)
        for hear in self.on_arrival:
            hear(subscriber)

    def detach(self, subscriber: Subscriber) -> None:
        """It hears of nothing any more."""
        here = self._users.get(subscriber.user_id)
        if here is subscriber:
            del self._users[subscriber.user_id]
            self.interest.drop(user(subscriber.user_id))
        elif isinstance(here, tuple):
            left = tuple(s for s in here if s is not subscriber)
            self._users[subscriber.user_id] = left[0] if len(left) == 1 else left
        for chat_id in subscriber.large:
            self._drop(chat_id, subscriber)
        for hear in self.on_departure:
            hear(subscriber)

    def close_all(self, code: int, reason: str) -> None:
        """Say what waits to be said, then end all connections here."""
        self.flush()
        for subscriber in self.everybody():
            subscriber.link.close(code, reason)

    def everybody(self) -> list[Subscriber]:
        """All connections here."""
        return self.of_users(tuple(self._users))

    def topics(self) -> list[Topic]:
        """What is held here."""
        return [*map(user, self._users), *map(large, self._large)]

    def of_user(self, user_id: int) -> tuple[Subscriber, ...]:
        """The user's connections here."""
        here = self._users.get(user_id)
        if here is None:
            return ()
        return (here,) if isinstance(here, Subscriber) else here

    def stance(self, user_id: int) -> Stance | None:
        """How a user stands to others who is here, as far as that is known."""
        return next((one.stance for one in self.of_user(user_id) if one.stance is not None), None)

    def of_users(self, user_ids: tuple[int, ...]) -> list[Subscriber]:
        """The connections here of some users: the audience of a small chat."""
        users = self._users
        audience: list[Subscriber] = []
        for user_id in user_ids:
            here = users.get(user_id)
            if isinstance(here, Subscriber):
                audience.append(here)
            elif here is not None:
                audience += here
        return audience

    # ── large chats ──

    def subscribe(self, chat_id: int, subscriber: Subscriber, since: int) -> None:
        """A large chat's events from position `since` on reach this connection.

        Of two stays the later counts: it may be told of first.
        """
        subscribers = self._large.get(chat_id)
        if subscribers is None:
            subscribers = self._large[chat_id] = {}
            self.interest.hold(large(chat_id))
        subscribers[subscriber] = max(since, subscribers.get(subscriber, 0))
        if chat_id not in subscriber.large:
            subscriber.large = (*subscriber.large, chat_id)

    def unsubscribe(self, chat_id: int, subscriber: Subscriber) -> None:
        """The reverse."""
        self._drop(chat_id, subscriber)
        subscriber.large = tuple(c for c in subscriber.large if c != chat_id)

    def _drop(self, chat_id: int, subscriber: Subscriber) -> None:
        subscribers = self._large.get(chat_id)
        if subscribers is not None:
            subscribers.pop(subscriber, None)
            if not subscribers:
                del self._large[chat_id]
                self.interest.drop(large(chat_id))

    def dissolve(self, chat_id: int) -> None:
        """The chat is large no more."""
        self.interest.drop(large(chat_id))
        for subscriber in self._large.pop(chat_id, {}):
            subscriber.large = tuple(c for c in subscriber.large if c != chat_id)

    def of_large(self, chat_id: int) -> dict[Subscriber, int]:
        """The connections here of a large chat, and since when they see it."""
        return self._large.get(chat_id, {})

    # ── writing ──

    def flush(self) -> None:
        """Write everything that was added, one write a connection."""
        dirty = self._dirty.copy()
        self._dirty.clear()
        statistics = self.statistics
        for subscriber in dirty:
            out = subscriber.out
            if out is not None:
                statistics.frames += len(out)
                subscriber.flush()
                if subscriber.blocked:
                    statistics.blocked += 1
