"""Somebody of each kind on a real server, and the group in whose eyes they are of that kind."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from hubbub.adapters.local.secret import load_secret
from hubbub.adapters.local.tokens import JwtTokens
from hubbub.entry.rest.routes import ROUTES
from hubbub.entry.rest.table import PREFIX, Route
from hubbub_protocol import ids
from tests.support.server import ServerProcess

PASSWORD = "correct horse"
# Everybody in the group; the observer writes most of what is to be seen.
PEOPLE = ("owner", "admin", "member", "left", "removed", "readded", "later", "stranger", "observer")
ROUTE: Mapping[str, Route] = {route.operation: route for route in ROUTES}


@dataclass(frozen=True)
class Account:
    """A user by one of his sessions. `token` is empty for nobody."""

    name: str
    id: str
    session_id: str
    token: str
    refresh_token: str = ""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def told(self) -> Any:
        """All that tells something: the body but for its request's id."""
        if not isinstance(self.body, dict):
            return self.body
        return {key: value for key, value in self.body.items() if key != "request_id"}


@dataclass(frozen=True)
class Group:
    """A group and a direct chat, and messages in them by when they were sent.

    `first`: before anybody left, by the owner. `absent`: while `readded` was away and before
    `later` came. `late`: when all who are in it now were. `direct`: from the observer to the
    member alone, or to the one whom he then blocked. `head`: the group's newest position.
    `lobby`: a group of those two and the owner, where nothing is said.
    """

    chat_id: str
    direct_id: str
    first: str
    absent: str
    late: str
    direct: str
    head: int
    lobby: str = ""

    def hidden_from(self, role: str) -> "Group":
        """The same, with ids of nothing instead of what this role may not see."""
        seen = VISIBLE.get(role, ())

        def shown(name: str) -> str:
            value: str = getattr(self, name)
            return value if name in seen else ghost("chat" if name.endswith("_id") else "msg")

        chat, direct, first, absent, late, said = (
            shown(name) for name in ("chat_id", "direct_id", "first", "absent", "late", "direct")
        )
        return Group(chat, direct, first, absent, late, said, self.head, self.lobby)


_GARDEN = ("chat_id", "first", "absent", "late")
_DIRECT = ("direct_id", "direct")
VISIBLE: Mapping[str, tuple[str, ...]] = {
    "owner": _GARDEN,
    "admin": _GARDEN,
    "member": (*_GARDEN, *_DIRECT),
    "other": (*_GARDEN, *_DIRECT),
    "blocked": (*_GARDEN, *_DIRECT),
    "readded": ("chat_id", "first", "late"),
    "later": ("chat_id", "late"),
}
"""Who may see what of a group; whoever is not named, nothing."""


def ghost(kind: ids.Kind) -> str:
    """A well-formed id of nothing."""
    return ids.text(kind, (uuid.uuid4().int & ids.MAX_ID) >> 1)


class World:
    """The server's people, by role, and what tests do with them."""

    def __init__(self, server: ServerProcess, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.http = http
        self.accounts: dict[str, Account] = {}

    def __getitem__(self, role: str) -> Account:
        return self.accounts[role]

    async def call(
        self,
        by: Account | str,
        operation: str,
        body: object = None,
        query: str = "",
        acting: str | None = None,
        cookie: str = "",
        **path: str,
    ) -> Answer:
        """One REST call, as somebody; with a server key `acting` for somebody."""
        account = self[by] if isinstance(by, str) else by
        route = ROUTE[operation]
        headers = {"Authorization": f"Bearer {account.token}"} if account.token else {}
        if acting is not None:
            headers["Hubbub-User"] = acting
        if cookie:
            headers["Cookie"] = cookie
        url = f"http://127.0.0.1:{self.server.port}{PREFIX}{route.path.format(**path)}{query}"
        async with self.http.request(
            route.method, url, json=body, headers=headers, allow_redirects=False
        ) as response:
            raw = await response.read()
            given = await response.json(content_type=None) if raw else None
            return Answer(response.status, given, response.headers)

    async def must(self, by: Account | str, operation: str, *args: Any, **kwargs: Any) -> Any:
        """The same, where it has to succeed; its body."""
        answer = await self.call(by, operation, *args, **kwargs)
        assert answer.status < 300, (operation, answer)
        return answer.body

    async def sign_in(self, role: str) -> Account:
        """A fresh session of whoever plays this role."""
        login = {"username": self[role].name, "password": PASSWORD}
        return _account(await self.must(NOBODY, "login", login))

    async def send(self, by: str, chat_id: str, content: str, **more: str) -> str:
        """The id of a message."""
        asked = {"chat_id": chat_id, "content": content, **more}
        sent: str = (await self.must(by, "send_message", asked))["id"]
        return sent

    # ── setting up ──

    async def settle(self, operator: Account) -> None:
        """Register everybody but the operator."""
        self.accounts["operator"] = operator
        for name in PEOPLE:
            self.accounts[name] = await self.newcomer(name)
        self.accounts["other"] = await self.sign_in("member")
        self.accounts["revoked"] = revoked = await self.sign_in("member")
        await self.must("member", "revoke_session", session_id=revoked.session_id)
        self.accounts["nobody"] = NOBODY
        self.accounts["bad"] = _with_token(self["member"], self["member"].token[:-4] + "AAAA")
        self.accounts["expired"] = _with_token(self["member"], self._expired(self["member"]))

    async def with_blocked(self) -> "World":
        """The same people and one more, whom the observer blocks in each group's story."""
        world = World(self.server, self.http)
        world.accounts = {**self.accounts, "blocked": await self.newcomer("blocked")}
        return world

    async def newcomer(self, name: str) -> Account:
        """Somebody new."""
        invite: str = (await self.must("operator", "create_invite"))["code"]
        return await self.register(f"{name}-{uuid.uuid4().hex[:16]}", invite)

    async def register(self, name: str, invite: str) -> Account:
        wanted = {"username": name, "password": PASSWORD, "invite": invite}
        return _account(await self.must(NOBODY, "register", wanted))

    def _expired(self, account: Account) -> str:
        """A token that this server's own key has signed, and that ended a minute ago."""
        tokens = JwtTokens(load_secret(self.server.data / "secret.key"), 1)
        user, session = ids.parse("user", account.id), ids.parse("session", account.session_id)
        now = ids.milliseconds(session)
        token, _ = tokens.issue(user, session, now - 2 * 60_000)
        return token

    async def gather(self, history: str = "joined") -> Group:
        """A new group with its story."""
        first_members = ["admin", "member", "left", "removed", "readded", "observer"]
        peer = "blocked" if "blocked" in self.accounts else "member"
        if peer == "blocked":
            first_members.append(peer)
        wanted = {
            "title": "Garden",
            "history": history,
            "member_ids": [self[name].id for name in first_members],
        }
        chat: str = (await self.must("owner", "create_chat", wanted))["id"]
        admin = self["admin"].id
        await self.must("owner", "change_member", {"role": "admin"}, chat_id=chat, user_id=admin)
        first = await self.send("owner", chat, "first")
        await self.must("left", "leave_chat", chat_id=chat)
        for name in ("removed", "readded"):
            await self.must("owner", "remove_member", chat_id=chat, user_id=self[name].id)
        absent = await self.send("observer", chat, "absent")
        for name in ("readded", "later"):
            await self.must("owner", "add_members", {"member_ids": [self[name].id]}, chat_id=chat)
        late = await self.send("observer", chat, "late")
        if peer == "blocked":
            await self.must("observer", "unblock_user", user_id=self[peer].id)
        to = {"recipient_ids": [self[peer].id], "content": "between us"}
        direct = await self.must("observer", "send_message", to)
        lobby = await self._block(peer) if peer == "blocked" else ""
        head: int = (await self.must("owner", "get_chat", chat_id=chat))["seq"]
        return Group(chat, direct["chat_id"], first, absent, late, direct["id"], head, lobby)

    async def _block(self, role: str) -> str:
        """The observer blocks him; the group in which the two still are."""
        wanted = {"title": "Lobby", "member_ids": [self[role].id, self["observer"].id]}
        lobby: str = (await self.must("owner", "create_chat", wanted))["id"]
        await self.must("observer", "block_user", user_id=self[role].id)
        return lobby


NOBODY = Account("nobody", "", "", "")


def _account(signed_in: Any) -> Account:
    user = signed_in["user"]
    return Account(
        user["username"],
        user["id"],
        signed_in["session_id"],
        signed_in["token"],
        signed_in["refresh_token"],
    )


def _with_token(account: Account, token: str) -> Account:
    return Account(account.name, account.id, account.session_id, token)
