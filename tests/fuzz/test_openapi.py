"""Requests made up from the served OpenAPI document: each is answered as the document says.

`HUBBUB_FUZZ_EXAMPLES`: requests a call; more take longer.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from hubbub.entry.rest.openapi import openapi
from hubbub.entry.rest.routes import ROUTES
from hubbub.wiring import operator_token
from tests.fuzz.stock import PASSWORD, Person, Stock, stocked
from tests.support.server import ServerProcess

EXAMPLES = int(os.environ.get("HUBBUB_FUZZ_EXAMPLES", "12"))
SEED = 20_260_201
PATIENCE = 90.0
"""Seconds for an answer: more than the longest poll."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(openapi())
OPERATIONS = {
    result.ok().definition.raw["operationId"]: result.ok()
    for result in SCHEMA.get_all_operations()
    if isinstance(result, Ok)
}


@pytest.fixture(scope="module")
def stock(server: ServerProcess) -> Stock:
    return stocked(server)


def test_every_call_is_made(server: ServerProcess) -> None:
    assert set(OPERATIONS) == {route.operation for route in ROUTES}
    served = requests.get(f"http://127.0.0.1:{server.port}/api/v1/openapi.json", timeout=PATIENCE)
    assert served.json() == openapi()


@pytest.mark.parametrize("name", OPERATIONS)
def test_made_up_requests(name: str, server: ServerProcess, stock: Stock) -> None:
    statuses: list[int] = []

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(made_up(name))
        caller = PREPARE.get(name, _ann)(stock)
        insert_real_things(case, data.draw(st.randoms(use_true_random=False)), stock)
        answer = case.call(
            f"http://localhost:{server.port}",
            headers={**caller.headers, **COOKIES.get(name, _no_cookie)(stock)},
            timeout=PATIENCE,
            allow_redirects=False,
        )
        case.validate_response(answer, checks=CHECKS)
        statuses.append(answer.status_code)

    ask()
    assert any(status < 400 for status in statuses), f"{name} never succeeded: {sorted(statuses)}"


def made_up(name: str) -> st.SearchStrategy[schemathesis.Case]:
    """Requests that fit the schema and, one in four, some that do not."""
    fits = OPERATIONS[name].as_strategy(generation_mode=GenerationMode.POSITIVE)
    if name in NOTHING_TO_GET_WRONG:
        return fits
    unfit = OPERATIONS[name].as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return st.one_of(fits, fits, fits, unfit)


# ── what a call needs to succeed ─────────────────────────────────────────────────────────────

NOTHING_TO_GET_WRONG = {
    route.operation
    for route in ROUTES
    if route.body is None and route.query is None and "{" not in route.path
}


def _ann(stock: Stock) -> Person:
    return stock.ann


def _zoe(stock: Stock) -> Person:
    """A session that may end, and another one of hers that may be ended."""
    stock.ids["session_id"] = [stock.zoe.again().signed_in["session_id"]]
    return stock.zoe.again()


def _owner(stock: Stock) -> Person:
    """Of a new group, whose members may go."""
    stock.ids["fresh_chat"] = [stock.group(stock.ann, stock.bob)]
    return stock.ann


def _member(stock: Stock) -> Person:
    stock.ids["fresh_chat"] = [stock.group(stock.bob, stock.ann)]
    return stock.ann


def _outside(stock: Stock) -> Person:
    """Of a public group that is not hers."""
    stock.ids["fresh_chat"] = [stock.group(stock.bob)]
    stock.bob.call("PATCH", f"/chats/{stock.ids['fresh_chat'][0]}", {"visibility": "public"})
    return stock.ann


def _inviter(stock: Stock) -> Person:
    group = stock.group(stock.ann)
    made = stock.ann.post(f"/chats/{group}/invites", {})
    stock.ids["fresh_chat"], stock.ids["invite_id"] = [group], [made["invite"]["id"]]
    return stock.ann


def _author(stock: Stock) -> Person:
    """Of a message that is to be changed."""
    sent = stock.ann.post("/messages", {"content": "hello", "recipient_ids": [stock.bob.id]})
    stock.ids["fresh_message"] = [sent["id"]]
    return stock.ann


def _backend(stock: Stock) -> Person:
    """A host application's backend, with its server key."""
    return replace(stock.ann, signed_in={"token": stock.server_key})


def _operator(stock: Stock) -> Person:
    """Whoever can read the server's own key."""
    return replace(stock.ann, signed_in={"token": operator_token(stock.data)})


def _no_cookie(stock: Stock) -> dict[str, str]:
    return {}


def _browser(stock: Stock) -> dict[str, str]:
    """One that comes back from the provider with a code."""
    return {"Cookie": f"hubbub-signin={stock.ids['browser'][0]}"}


COOKIES: dict[str, Callable[[Stock], dict[str, str]]] = {"exchange_sign_in": _browser}


def _signing_in(stock: Stock) -> Person:
    """Somebody whose browser is back from the provider."""
    with requests.Session() as browser:
        url = f"{stock.ann.url}/auth/oidc/corp/start".replace("127.0.0.1", "localhost")
        while "#oidc=" not in url:
            answer = browser.get(url, allow_redirects=False, timeout=PATIENCE)
            url = answer.headers["Location"]
        stock.ids["browser"] = [str(browser.cookies["hubbub-signin"])]
        stock.ids["code"] = [url.partition("#oidc=")[2].partition("&")[0]]
    return stock.ann


PREPARE: dict[str, Callable[[Stock], Person]] = {
    "logout": _zoe,
    "revoke_session": _zoe,
    "add_members": _owner,
    "change_member": _owner,
    "remove_member": _owner,
    "leave_chat": _member,
    "get_public_chat": _outside,
    "join_chat": _outside,
    "end_chat_invite": _inviter,
    **dict.fromkeys(
        ("edit_message", "delete_message", "pin_message", "unpin_message", "list_edits"), _author
    ),
    "exchange_sign_in": _signing_in,
    "put_user": _backend,
    "put_users": _backend,
    "trace_message": _operator,
    "tail_user": _operator,
}


def insert_real_things(case: schemathesis.Case, chance: Any, stock: Stock) -> None:
    """Put ids, names and tokens of the stock in places of made-up ones, three times of four."""
    fresh = {f"{name}_id": stock.ids.pop(f"fresh_{name}", None) for name in ("chat", "message")}
    for name in case.path_parameters or {}:
        if chance.random() < 0.75:
            if _operation(case) == "put_user":
                choices = [f"ext:{chance.randint(1, 9)}"]
            else:
                choices = fresh.get(name) or stock.ids[name]
            case.path_parameters[name] = chance.choice(choices)
    query = case.query
    if isinstance(query, dict):
        for name in ("before_id", "after_id", "around_id"):
            if name in query and chance.random() < 0.75:
                query[name] = chance.choice(stock.ids["message_id"])
        if "user" in query and chance.random() < 0.75:
            query["user"] = stock.bob.name
        if isinstance(query.get("wait"), int):
            query["wait"] = min(query["wait"], 1)
    if isinstance(case.body, dict) and chance.random() < 0.75:
        BODIES.get(_operation(case), _leave)(case.body, chance, stock)


def _operation(case: schemathesis.Case) -> str:
    name: str = case.operation.definition.raw["operationId"]
    return name


Fill = Callable[[dict[str, Any], Any, Stock], None]


def _leave(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    """As it is."""


def _message(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    body["chat_id"], body["recipient_ids"] = None, None
    if chance.random() < 0.5:
        body["chat_id"] = chance.choice(stock.ids["chat_id"])
    else:
        body["recipient_ids"] = chance.sample(stock.ids["user_id"], chance.randint(1, 3))
    body["client_id"] = None
    for name in ("media", "reply_to"):
        if chance.random() < 0.75:
            body.pop(name, None)
    if not isinstance(body.get("content"), str) or not body["content"]:
        body["content"] = "hello"


def _edit(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    body.pop("media", None)
    body["content"] = chance.choice(("hello", "hullo"))


def _account(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    body["display_name"] = chance.choice(("Ann", "Zoe"))


def _members(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    body["member_ids"] = chance.sample(stock.ids["user_id"], chance.randint(1, 3))


def _named(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    numbers = chance.sample(range(20), chance.randint(1, 5))
    body["users"] = [{"id": f"ext:{number}", "display_name": "Zoe"} for number in numbers]


def _login(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    body.update(username=stock.zoe.name, password=PASSWORD)


def _refresh(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    body["refresh_token"] = stock.zoe.again().signed_in["refresh_token"]


def _sync(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    for name in ("positions", "received"):
        logs = [*stock.ids["chat_id"], "me"]
        body[name] = {log: chance.choice((0, 1, 3, 2**53 - 1)) for log in logs}
    body["receipts"] = list(stock.ids["chat_id"])


def _code(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    group = stock.group(stock.bob)
    body["code"] = stock.bob.post(f"/chats/{group}/invites", {})["code"]


def _exchange(body: dict[str, Any], chance: Any, stock: Stock) -> None:
    body["code"] = stock.ids["code"][0]


BODIES: dict[str, Fill] = {
    "change_me": _account,
    "exchange_sign_in": _exchange,
    "send_message": _message,
    "edit_message": _edit,
    "create_chat": _members,
    "add_members": _members,
    "login": _login,
    "put_users": _named,
    "refresh": _refresh,
    "sync": _sync,
    "look_at_invite": _code,
    "follow_invite": _code,
}
