"""What a scenario needs to be there before it begins, and what it is then given.

Made directly in a data directory (`seed`), or over REST against a server elsewhere (`remote`).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ChatPlan:
    """A chat of these users by number, with `messages` in it, its first two taking turns.

    Two members and no title: their direct chat. Members who are `behind` have received nothing.
    """

    members: range | tuple[int, ...]
    messages: int = 0
    title: str | None = None
    behind: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """So many users, of whom the first `sessions` are signed in, and these chats."""

    users: int
    sessions: int
    chats: list[ChatPlan] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """How large it is."""
        return f"{self.users} users, {len(self.chats)} chats, {self.messages} messages"

    @property
    def messages(self) -> int:
        """In all chats together."""
        return sum(chat.messages for chat in self.chats)


@dataclass(frozen=True, slots=True)
class World:
    """What was made: ids of users, tokens of sessions, ids of chats, in the order of the plan.

    `message_ids` gives some ids of messages of a chat, when the plan was carried out locally.
    """

    users: list[str]
    tokens: list[str]
    chats: list[str]
    message_ids: dict[str, list[str]] = field(default_factory=dict)
