"""The town's past: conversations of the last weeks, as changes for a store, in order of time."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from random import Random
from typing import Final

from hubbub.demo.phrases import Kind, Phrases
from hubbub.demo.town import VISITOR, Chat, Town
from hubbub.domain.change import Advance, Amend, Change, Create, NewChat, Post, React
from hubbub.domain.chat import direct_key
from hubbub.domain.extra import Extra, pack
from hubbub_protocol.ids import IdMaker

NODE: Final = 1023
"""A node number that no server has, so that ids never meet."""
DAY: Final = 86_400_000
DAYS: Final = 28
HOURS: Final = (1, 0, 0, 0, 0, 1, 3, 7, 8, 6, 6, 7, 11, 9, 7, 7, 8, 10, 13, 14, 13, 10, 6, 3)
"""How much is said in each hour of a day."""
LONGEST: Final = 40
UNREAD: Final = {2: 3, 5: 12, 9: 1, 13: 48, 19: 2}
"""Chats, by their place in the town, in which the visitor has not read so many of the newest."""
CALLED: Final = {2: 2, 13: 30}
"""Chats in which the visitor is mentioned, that near the newest message."""
REPLIES: Final = 0.12
MENTIONS: Final = 0.03
REACTIONS: Final = (0.1, 0.02)
"""How many messages get some: of the last two days, and of before."""
EMOJI: Final = {"👍": 9, "❤️": 6, "😂": 6, "🎉": 3, "😮": 2, "🙏": 2, "😢": 1}
"""How much each is liked."""


class Past:
    """Everything that happened before now: `changes` gives it. `users`: ids by user name."""

    def __init__(self, town: Town, users: Mapping[str, int], count: int, now: int) -> None:
        """`count` messages, the newest a moment before `now` (Unix ms)."""
        self._town = town
        self._users = users
        self._count = count
        self._now = now
        self._random = Random("past")
        self._phrases = Phrases(self._random)
        self._at = now - DAYS * DAY
        self._maker = IdMaker(NODE, lambda: self._at)
        self._heads = [0] * len(town.chats)
        # Where the newest messages are, which reactions lie between.
        self._seqs = [deque([0], max(UNREAD.values()) + 1) for _ in town.chats]
        self._senders = [""] * len(town.chats)  # of the newest message
        self._last = [(0, 0)] * len(town.chats)  # the newest message, and the one of its thread
        self._topics = [(0, 0)] * len(town.chats)  # the same of what was answered last
        self._called: set[int] = set()
        self._newest = [now - DAYS * DAY] * len(town.chats)
        self.chat_ids = [self._maker.make() for _ in town.chats]

    def changes(self) -> Iterator[Change]:
        """Chats, then messages and reads as they came, at last how far everybody is."""
        for place, chat in enumerate(self._town.chats):
            yield self._create(place, chat)
        moments = sorted(self._moments())
        left = Counter(place for _, place, *_ in moments)
        for at, place, sender, kind, last in moments:
            if self._random.random() < self._liked(at):
                yield from self._reactions(place, at)
            yield self._post(at, place, sender, kind, self._whom(place, sender, left[place]))
            left[place] -= 1
            if last:
                yield from self._reads(place, at)
        for place, chat in enumerate(self._town.chats):
            for member in chat.members:
                unread = UNREAD.get(place, 0) if member == VISITOR else 0
                seen = self._seqs[place][-1 - min(unread, len(self._seqs[place]) - 1)]
                yield self._read(place, member, seen, self._newest[place])

    def _create(self, place: int, chat: Chat) -> Create:
        members = tuple(self._users[name] for name in chat.members)
        id_, first = self.chat_ids[place], members[0]
        if chat.title is None:
            key = direct_key(*members)
            return Create(NewChat(id_, "direct", key, None, "joined", first, members), self._at)
        new = NewChat(id_, "group", None, chat.title, "all", first, members)
        return Create(new, self._at)

    def _moments(self) -> Iterator[tuple[int, int, str, Kind, bool]]:
        """When who says something of which kind in which chat, and whether a silence follows."""
        places = range(len(self._town.chats))
        weights = [chat.weight for chat in self._town.chats]
        left = self._count
        fresh = list(places)  # each chat has something of today
        while left:
            if fresh:
                place, start = fresh.pop(), self._now - self._random.randrange(9 * 3_600_000)
            else:
                (place,), start = self._random.choices(places, weights), self._some_time()
            burst = self._conversation(place, start)[:left]
            left -= len(burst)
            yield from burst[:-1]
            yield (*burst[-1][:4], True)

    def _some_time(self) -> int:
        """A moment of the last weeks, at an hour at which people write."""
        day = self._random.randrange(DAYS)
        (hour,) = self._random.choices(range(24), HOURS)
        at = (
            self._now // DAY * DAY
            - day * DAY
            + hour * 3_600_000
            + self._random.randrange(3_600_000)
        )
        return at if at < self._now - 3_600_000 else at - DAY

    def _conversation(self, place: int, at: int) -> list[tuple[int, int, str, Kind, bool]]:
        """Some members talk for a while, none of them beyond now."""
        random, members = self._random, self._town.chats[place].members
        talkers = random.sample(members, min(len(members), random.randint(2, 6)))
        kind: Kind = "say"
        said = []
        sender = talkers[0]
        for _ in range(random.randint(3, LONGEST)):
            said.append((min(at, self._now - 1000), place, sender, kind, False))
            at += int(random.expovariate(1 / 25_000)) + 2_000
            kind = self._phrases.after(kind)
            if random.random() < 0.8:
                sender = random.choice([name for name in talkers if name != sender])
        return said

    def _whom(self, place: int, sender: str, left: int) -> str | None:
        """Whom a message names, with so many left to come after it."""
        if left <= CALLED.get(place, 0) and place not in self._called and sender != VISITOR:
            self._called.add(place)
            return VISITOR
        chat = self._town.chats[place]
        if chat.title is None or self._random.random() > MENTIONS:
            return None
        return self._random.choice([name for name in chat.members if name != sender])

    def _post(self, at: int, place: int, sender: str, kind: Kind, whom: str | None) -> Post:
        self._at = at
        id_ = self._maker.make()
        chat = self._town.chats[place]
        language = chat.language(self._town.people[sender])
        reply = kind in ("answer", "short") and self._random.random() < 2 * REPLIES
        text = self._phrases.text(language, kind)
        answered, thread = self._topic(place) if reply else (0, 0)
        post = Post(
            id_,
            self.chat_ids[place],
            None,
            self._users[sender],
            None,
            at,
            "text",
            f"@{whom} {text}" if whom else text,
            b"",
            answered,
            thread,
            pack(Extra(mentions=(self._users[whom],)) if whom else None),
        )
        self._last[place] = (id_, thread or id_)
        self._heads[place] += 1
        self._seqs[place].append(self._heads[place])
        self._newest[place], self._senders[place] = at, sender
        return post

    def _liked(self, at: int) -> float:
        """How many messages of this time get reactions."""
        return REACTIONS[at < self._now - 2 * DAY]

    def _reactions(self, place: int, at: int) -> Iterator[Amend]:
        """Some who hear the newest message put an emoji there, most of them the same one."""
        message, sender = self._last[place][0], self._senders[place]
        heard = [name for name in self._town.chats[place].members if name not in (sender, VISITOR)]
        if not message or not heard:
            return
        random = self._random
        many = min(len(heard), random.choice((1, 1, 1, 1, 2, 2, 3, 5)))
        (emoji,) = random.choices(list(EMOJI), list(EMOJI.values()))
        for name in random.sample(heard, many):
            other = random.random() < 0.3
            chosen = random.choice(list(EMOJI)) if other else emoji
            yield Amend(message, self._users[name], React(chosen, True), at)
            self._heads[place] += 1

    def _topic(self, place: int) -> tuple[int, int]:
        """What is answered, and its thread: what was said last, or that of the reply before."""
        again = self._topics[place]
        topic = again if again[0] and self._random.random() < 0.4 else self._last[place]
        self._topics[place] = topic
        return topic

    def _reads(self, place: int, at: int) -> Iterator[Advance]:
        """Some look at it soon."""
        members = self._town.chats[place].members
        for member in self._random.sample(members, min(3, len(members))):
            if member != VISITOR:
                delay = int(self._random.expovariate(1 / 40_000)) + 1_000
                yield self._read(place, member, self._heads[place], min(at + delay, self._now))

    def _read(self, place: int, member: str, seq: int, at: int) -> Advance:
        return Advance(self.chat_ids[place], self._users[member], 0, self._heads[place], seq, at)
