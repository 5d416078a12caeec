"""Real things for made-up requests: users, chats, messages and sessions of a server."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.support.keys import server_key
from tests.support.server import ServerProcess

PASSWORD = "correct horse"


@dataclass
class Person:
    """A user with a session. `http` keeps the connection."""

    url: str
    http: requests.Session
    signed_in: dict[str, Any]

    @property
    def id(self) -> str:
        found: str = self.signed_in["user"]["id"]
        return found

    @property
    def name(self) -> str:
        found: str = self.signed_in["user"]["username"]
        return found

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.signed_in['token']}"}

    def post(self, path: str, body: Any) -> dict[str, Any]:
        """A call that has to succeed."""
        return self.call("POST", path, body)

    def call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        """The same, by any method."""
        url, headers = self.url + path, self.headers
        answer = self.http.request(method, url, json=body, headers=headers, timeout=60)
        assert answer.ok, (path, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    def again(self) -> "Person":
        """Another session of the same user."""
        login = {"username": self.name, "password": PASSWORD}
        return Person(self.url, self.http, self.post("/auth/login", login))


@dataclass
class Stock:
    """`ann` calls; `bob` is whom she talks to; sessions of `zoe` may be used up."""

    ann: Person
    bob: Person
    zoe: Person
    server_key: str
    data: Path
    ids: dict[str, list[str]] = field(default_factory=dict)
    """By the name of a parameter: ids for it."""

    def group(self, owner: Person, *members: Person) -> str:
        """A new group."""
        wanted = {"title": "Garden", "member_ids": [member.id for member in members]}
        found: str = owner.post("/chats", wanted)["id"]
        return found


def stocked(server: ServerProcess) -> Stock:
    """Three users, a group, a direct chat, a few messages."""
    url, http = f"http://127.0.0.1:{server.port}/api/v1", requests.Session()

    def join(name: str) -> Person:
        wanted = {"username": f"{name}-{uuid.uuid4().hex[:12]}", "password": PASSWORD}
        answer = http.post(f"{url}/auth/register", json=wanted, timeout=60)
        return Person(url, http, answer.json())

    stock = Stock(
        join("ann"), join("bob"), join("zoe"), server_key(server.data, "users:write"), server.data
    )
    group = stock.group(stock.ann, stock.bob, stock.zoe)
    sent = [
        by.post("/messages", {"content": "hello", **to})
        for by, to in (
            (stock.ann, {"chat_id": group}),
            (stock.bob, {"chat_id": group}),
            (stock.bob, {"recipient_ids": [stock.ann.id]}),
        )
    ]
    stock.ids = {
        "chat_id": [group, sent[2]["chat_id"]],
        "message_id": [message["id"] for message in sent],
        "user_id": [stock.bob.id, stock.zoe.id, stock.ann.id],
        "provider": ["corp"],
        "emoji": ["👍", "❤️", "🇨🇭"],
        "session_id": [stock.bob.signed_in["session_id"]],
    }
    return stock
