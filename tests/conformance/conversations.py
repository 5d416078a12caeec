"""Conversations of `spec/conformance`, as types.

A file holds conversations, one step a line. A line with `clauses` begins one. `as` names who acts:
a user, or one of his connections (`ann/2`). Verbs of the other lines:

    open      opens a WebSocket              live      opens, resumes and is caught up
    send      sends a frame                  rest      calls the API: `status`, `body`, `expect`
    raw       sends text as it is
    expect    the next frame, or the next few in any order
    await     a later frame; others are passed over
    silence   seconds without a frame        expect_close  the server closes with this code
    ping      is answered                    expect_ping   the server pings
    close     closes                         drop      cuts the connection
    browse    leads a browser by an address, on and on, to the page: `expect` is of its fragment
    restart   `stop` or `kill` ends the server, which is then started again
    app       what the client's application does (only where the client is tried)
    state     the client's state, likewise

`times` repeats; `eventually` does until a send is not refused for now, or a call answers as wanted.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

SPEC = Path(__file__).parents[2] / "spec"
FOLDER = SPEC / "conformance"

Codec = Literal["json", "msgpack"]
Pattern = Any


class Head(Struct, forbid_unknown_fields=True):
    """Which clauses a conversation shows, for whom, and on what kind of server.

    `server`: settings of a server of its own. `crowd`: how many users more, as `$crowd`.
    `client`: the user whose lines the Python client has to produce by itself. `only`: `client`
    where a server cannot be brought to it. `hosted`: users of a host application, with `$zoe.sub`,
    `$zoe.token` and `$zoe.second` of another device. `key`: the scopes of a server key, `$key`.
    `provider`: the name of an identity provider, which signs everybody in as Ann Archer.
    """

    clauses: list[str]
    say: str
    users: list[str] = field(default_factory=lambda: ["ann"])
    server: dict[str, str] | None = None
    codecs: list[Codec] = field(default_factory=lambda: ["json", "msgpack"])
    crowd: int = 0
    client: str | None = None
    only: Literal["client"] | None = None
    hosted: list[str] = field(default_factory=list)
    key: list[Literal["users:write", "chats:write", "messages:write"]] = field(default_factory=list)
    provider: str = ""


class Open(Struct, forbid_unknown_fields=True):
    """How to open: where the token stands, another token, the subprotocols, whether to pong.

    `user`: who it says it is to whatever stands between.
    """

    token: Literal["header", "query", "frame", "none"] = "header"
    value: str | None = None
    protocols: list[str] | None = None
    pong: bool = True
    user: str | None = None


class Step(Struct, forbid_unknown_fields=True, rename={"who": "as", "later": "await"}):
    """One line; exactly one verb."""

    line: int = 0
    who: str = ""
    open: Open | None = None
    live: bool | None = None
    send: dict[str, Any] | None = None
    raw: str | None = None
    rest: str | None = None
    browse: str | None = None
    expect: Pattern = None
    later: Pattern = None
    silence: float | None = None
    expect_close: int | str | None = None
    ping: bool | None = None
    expect_ping: bool | None = None
    close: bool | None = None
    drop: bool | None = None
    restart: Literal["stop", "kill"] | None = None
    app: dict[str, Any] | None = None
    state: str | None = None
    # of `send`, `raw` and `rest`
    times: int = 1
    # of `send` and `rest`
    eventually: bool = False
    # of `rest`
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    # of `open`
    protocol: str | None = None


VERBS = (
    *("open", "live", "send", "raw", "rest", "browse", "later", "silence", "expect_close"),
    *("ping", "expect_ping", "close", "drop", "restart", "app", "state"),
)


class Conversation(Struct):
    """A conversation with where it stands."""

    name: str
    head: Head
    steps: list[Step]


def load(path: Path) -> Iterator[Conversation]:
    """The conversations of a file. Raises ValueError, which names the line."""
    found: Conversation | None = None
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            if "clauses" in line:
                if found is not None:
                    yield found
                head = msgspec.convert(line, Head)
                found = Conversation(f"{path.stem}:{number}", head, [])
            elif found is None:
                raise ValueError("a step before the first conversation")
            else:
                found.steps.append(_step(line, number))
        except ValueError as error:
            raise ValueError(f"{path.name}:{number}: {error}") from None
    if found is not None:
        yield found


def _step(line: dict[str, Any], number: int) -> Step:
    step = msgspec.convert(line, Step)
    step.line = number
    verbs = [verb for verb in VERBS if getattr(step, verb) is not None]
    if len(verbs) > 1 or (not verbs and "expect" not in line):
        raise ValueError(f"not exactly one verb: {verbs or 'none'}")
    if "expect" in line and verbs not in ([], ["rest"], ["browse"]):
        raise ValueError("`expect` stands alone, or beside `rest` or `browse`")
    if step.restart is None and not step.who:
        raise ValueError("nobody acts")
    return step


def everything() -> list[Conversation]:
    """All conversations."""
    return [each for path in sorted(FOLDER.glob("*.jsonl")) for each in load(path)]
