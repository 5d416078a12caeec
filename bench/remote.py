"""Carries out a plan over REST, for a server that is not ours: slower, and it stays there."""

import secrets
import uuid
from collections.abc import Callable

from bench.load.http import Http
from bench.load.reactor import Address
from bench.plan import Plan, World

MOST_USERS = 20_000
MOST_MESSAGES = 50_000


def carry_out(plan: Plan, address: Address, say: Callable[[str], None]) -> World:
    """Register users, create chats, send messages. Raises Broken, and ValueError when too large."""
    if plan.users > MOST_USERS or plan.messages > MOST_MESSAGES:
        raise ValueError(f"{plan.users} users, {plan.messages} messages: too many over REST")
    run = secrets.token_hex(4)
    anybody = Http(address)
    users: list[str] = []
    tokens: list[str] = []
    for number in range(plan.users):
        signed_in = anybody.call(
            "POST",
            "/api/v1/auth/register",
            {"username": f"bench-{run}-{number}", "password": secrets.token_urlsafe(16)},
        )
        users.append(signed_in["user"]["id"])
        tokens.append(signed_in["token"])
        if number % 500 == 499:
            say(f"registered {number + 1} of {plan.users} users")
    anybody.close()
    chats = []
    for one in plan.chats:
        members = [users[i] for i in one.members]
        clients = [Http(address, tokens[i]) for i in one.members[: min(2, len(members))]]
        body: dict[str, object] = {"member_ids": members[1:]}
        if one.title is None and len(members) == 2:
            body["chat_type"] = "direct"
        else:
            body |= {"chat_type": "group", "title": one.title or "bench"}
        chat = clients[0].call("POST", "/api/v1/chats", body)["id"]
        chats.append(chat)
        for number in range(one.messages):
            clients[number % len(clients)].call(
                "POST",
                "/api/v1/messages",
                {"chat_id": chat, "content": f"message {number}", "client_id": str(uuid.uuid4())},
            )
        for client in clients:
            client.close()
    return World(users, tokens[: plan.sessions], chats)
