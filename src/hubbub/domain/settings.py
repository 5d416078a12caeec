"""What owners and admins set of a group, by name. The names are those of `Chat`'s fields."""

from typing import Final

from hubbub.domain.chat import Chat

Settings = dict[str, str | int | None]
"""Values by name; what is not named stays as it is."""

NAMES: Final = (
    "title",
    "description",
    "picture",
    "posting",
    "slow_seconds",
    "history",
    "visibility",
)
OWNERS: Final = frozenset({"history", "visibility"})
"""Who sees what is for owners alone to say."""


def changed(chat: Chat, wanted: Settings) -> Settings:
    """Those of the wanted values that are not there already."""
    return {
        name: wanted[name]
        for name in NAMES
        if name in wanted and wanted[name] != getattr(chat, name)
    }


def nameless(chat: Chat, wanted: Settings) -> bool:
    """Whether the group would be public and have no title to be found by."""
    title = wanted.get("title", chat.title)
    return wanted.get("visibility", chat.visibility) == "public" and not title
