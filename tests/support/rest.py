"""The REST application called in process, over ASGI as a server would."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from hubbub.actions import Actions
from hubbub.entry.rest.app import RestApp


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The problem's code; checks that it is a whole problem document."""
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json
        assert problem["status"] == self.status
        assert problem["request_id"] == self.headers["x-request-id"]
        assert problem["detail"].endswith((".", "`"))
        assert problem["title"]
        code: str = problem["code"]
        return code


@dataclass
class Client:
    """Calls the application. `parts` of a body are what comes from the network one by one."""

    app: RestApp
    token: str | None = None
    address: str = "192.0.2.1"
    read: int = field(default=0, init=False)
    """How many parts of the last request's body were read."""

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        parts: Sequence[bytes] | None = None,
        hang_up: bool = False,
    ) -> Answer:
        sent: dict[str, str] = {}
        if self.token:
            sent["authorization"] = f"Bearer {self.token}"
        if body is not None:
            parts = [json.dumps(body).encode()]
            sent["content-type"] = "application/json"
        sent.update(headers or {})
        waiting = list(parts or [b""])
        self.read = 0

        async def receive() -> dict[str, Any]:
            if hang_up:
                return {"type": "http.disconnect"}
            if not waiting:
                await asyncio.Event().wait()  # it is there for as long as it is not answered
            self.read += 1
            part = waiting.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}

        messages: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            messages.append(message)

        where, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(where),
            "raw_path": where.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in sent.items()],
            "client": (self.address, 1234),
            "server": ("127.0.0.1", 8080),
        }
        await self.app(scope, receive, send)
        if not messages:
            return Answer(0, {}, b"")
        start, *rest = messages
        names = [name.decode() for name, _ in start["headers"]]
        assert len(set(names)) == len(names), f"a header twice: {names}"
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        content = b"".join(each["body"] for each in rest)
        if "content-length" in answered:
            assert int(answered["content-length"]) == len(content)
        return Answer(start["status"], answered, content)


@dataclass
class Watched:
    """What the application told whoever watches."""

    answers: list[tuple[str, int]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def answered(self, operation: str, status: int, seconds: float, request_id: str) -> None:
        assert seconds >= 0
        assert request_id
        self.answers.append((operation, status))

    def failed(self, operation: str, request_id: str, error: BaseException) -> None:
        self.failures.append((operation, type(error).__name__))


def only(**verbs: Any) -> Actions:
    """Actions of which only these may be called."""

    def never(name: str) -> Any:
        def call(*_: object) -> None:
            raise AssertionError(f"{name} was called")

        return call

    return Actions(**{name: verbs.get(name) or never(name) for name in Actions.__slots__})
