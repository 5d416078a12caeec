"""Sentences and times as a person reads them. Pure; every word of others in them is plain."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from hubbub_client import Message, StoredMessage
from hubbub_terminal.plain import line

AnyMessage = Message | StoredMessage
Names = Callable[[str], str]
"""A user's name by id, as it stands in a sentence: "you" for the user."""

DELETED: Final = "Message deleted"
_MEDIA: Final = {"image": "Picture", "video": "Video", "audio": "Recording", "file": "File"}
_PROGRAMS: Final = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS: Final = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


# ── times ────────────────────────────────────────────────────────────────────────────────────


@lru_cache(8_192)
def moment(time: str) -> datetime:
    """An RFC 3339 time, in the terminal's time zone."""
    return datetime.fromisoformat(time).astimezone()


def stamp(unix: float) -> str:
    """Unix seconds as the server writes times."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def clock(time: str) -> str:
    """Hours and minutes."""
    return f"{moment(time):%H:%M}"


def day(time: str, now: datetime) -> str:
    """The day of a message, for a line between two days."""
    when, today = moment(time).date(), now.date()
    if when == today:
        return "Today"
    if when == today - timedelta(days=1):
        return "Yesterday"
    return f"{when:%A}, {_date(when, today)}"


def device(agent: str) -> str:
    """A session's device, from what its program calls itself."""
    program = next((name for mark, name in _PROGRAMS.items() if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS.items() if mark in agent), "")
    return f"{program} on {system}" if program and system else line(agent) or "A device"


def brief(time: str, now: datetime) -> str:
    """At most 6 cells: the time of today, a day of this week, or a date."""
    when, today = moment(time), now.date()
    if when.date() == today:
        return f"{when:%H:%M}"
    if timedelta(0) < today - when.date() < timedelta(days=7):
        return f"{when:%a}"
    return f"{when.day} {when:%b}" if when.year == now.year else f"{when:%Y}"


def _date(when: Any, today: Any) -> str:
    year = "" if when.year == today.year else f" {when.year}"
    return f"{when.day} {when:%B}{year}"


def span(seconds: int) -> str:
    """A duration in the largest unit that divides it."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return many(seconds // size, unit)
    return many(seconds, "second")


def many(count: int, what: str, plural: str = "") -> str:
    """A count with its word."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {plural or what + 's'}"


# ── messages ─────────────────────────────────────────────────────────────────────────────────


def said(message: AnyMessage, names: Names) -> str:
    """What a message says, in one line."""
    if message.is_deleted:
        return DELETED
    if message.system is not None:
        return happened(message.system, names)
    if message.message_type == "encrypted":
        return "Encrypted message"
    return line(message.content) or attached(message)


def attached(message: AnyMessage) -> str:
    """What a message without words consists of."""
    kind = message.message_type
    if kind == "text" and message.media:
        kind = message.media[0].type or "file"
    return _MEDIA.get(kind, "Message")


def happened(system: dict[str, Any], names: Names) -> str:
    """What a system message tells: spec clause 1.2.8. Kinds that are not known are passed over."""
    found = _event(system, names)
    heir = system.get("owner")
    if heir:
        is_me = names(heir) == "you"
        found += f"; {names(heir)} {'are' if is_me else 'is'} owner now"
    return found[:1].upper() + found[1:]


def _event(system: dict[str, Any], names: Names) -> str:
    def name(field: str) -> str:
        return names(str(system.get(field, "")))

    match system.get("kind"):
        case "members_added":
            return f"{name('by')} added {_people(system, names)}"
        case "member_joined":
            host = f" by an invite from {name('invited_by')}" if "invited_by" in system else ""
            return f"{name('user_id')} joined{host}"
        case "member_left":
            return f"{name('user_id')} left"
        case "member_removed":
            return f"{name('by')} removed {name('user_id')}"
        case "role_changed":
            return f"{name('by')} made {name('user_id')} {line(str(system.get('role', '')))}"
        case "chat_changed":
            return f"{name('by')} {_changes(system)}"
        case _:
            return "something happened in the chat"


def _people(system: dict[str, Any], names: Names) -> str:
    users = [names(user) for user in system.get("user_ids", ())]
    shown, left = users[:5], int(system.get("count", len(users)))
    left -= len(shown)
    if left > 0:
        return f"{', '.join(shown)} and {many(left, 'other')}"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def _changes(system: dict[str, Any]) -> str:
    told = [word(system) for name, word in _CHANGES.items() if name in system]
    return ", ".join(told) or "changed the group"


def _title(system: dict[str, Any]) -> str:
    title = system["title"]
    return f"named the group “{line(title)}”" if title else "took the group's name away"


_CHANGES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "title": _title,
    "description": lambda _: "changed the description",
    "picture": lambda system: f"{'changed' if system['picture'] else 'removed'} the picture",
    "posting": lambda system: (
        "lets everybody write" if system["posting"] == "all" else "lets only admins write"
    ),
    "slow_seconds": lambda system: (
        f"set slow mode to {span(int(system['slow_seconds']))}"
        if system["slow_seconds"]
        else "ended slow mode"
    ),
    "history": lambda system: (
        "opened the history to all members"
        if system["history"] == "all"
        else "closed the history to those who join"
    ),
    "visibility": lambda system: f"made the group {line(str(system['visibility']))}",
}


def typing(names: list[str]) -> str:
    """Who types."""
    match names:
        case []:
            return ""
        case [one]:
            return f"{one} is typing…"
        case [one, two]:
            return f"{one} and {two} are typing…"
        case _:
            return f"{len(names)} people are typing…"
