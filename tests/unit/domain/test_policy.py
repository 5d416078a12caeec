"""Who may do what: the whole table."""

from itertools import product

import pytest
from msgspec.structs import replace

from hubbub.domain.change import Denied
from hubbub.domain.chat import Chat, Role
from hubbub.domain.policy import (
    may_add,
    may_change_role,
    may_create_direct,
    may_create_group,
    may_leave,
    may_post,
    may_remove,
    may_set,
    wait_to_post,
)

ROLES: tuple[Role, ...] = ("owner", "admin", "member")
GROUP = Chat(1, "group", None, "Title", "joined", 0, 10)
DIRECT = Chat(2, "direct", "d:1:2", None, "joined", 0, 2)


def kind(denied: Denied | None) -> str | None:
    return None if denied is None else denied.kind


@pytest.mark.parametrize(
    ("role", "answer"), [("owner", None), ("admin", None), ("member", "forbidden")]
)
def test_adding(role: Role, answer: str | None) -> None:
    assert kind(may_add(GROUP, role, 5, 15)) == answer
    assert kind(may_add(GROUP, role, 5, 0)) == answer
    assert kind(may_add(GROUP, role, 6, 15)) == (answer or "invalid")
    assert kind(may_add(DIRECT, role, 1, 15)) == "conflict"


def test_removing() -> None:
    allowed = {(a, b) for a, b in product(ROLES, ROLES) if may_remove(GROUP, a, b) is None}
    assert allowed == {
        ("owner", "owner"),
        ("owner", "admin"),
        ("owner", "member"),
        ("admin", "member"),
    }
    for first, second in product(ROLES, ROLES):
        assert kind(may_remove(GROUP, first, second)) in (None, "forbidden")
        assert kind(may_remove(DIRECT, first, second)) == "conflict"


def test_leaving() -> None:
    assert may_leave(GROUP) is None
    assert kind(may_leave(DIRECT)) == "conflict"


def test_changing_roles() -> None:
    for role in ROLES:
        answer = kind(may_change_role(GROUP, role))
        assert answer == (None if role == "owner" else "forbidden")
        assert kind(may_change_role(DIRECT, role)) == "conflict"


def test_settings() -> None:
    for role in ROLES:
        small = kind(may_set(GROUP, role, {"title": "Another", "posting": "admins"}))
        assert small == ("forbidden" if role == "member" else None)
        for name, value in (("history", "all"), ("visibility", "public")):
            big = kind(may_set(GROUP, role, {"title": "Another", name: value}))
            assert big == (None if role == "owner" else "forbidden")
        assert kind(may_set(DIRECT, role, {"title": "Us"})) == "conflict"
    assert kind(may_set(GROUP, "owner", {"title": None, "visibility": "public"})) == "invalid"
    public = replace(GROUP, visibility="public")
    assert kind(may_set(public, "owner", {"title": None})) == "invalid"
    assert may_set(public, "owner", {"title": None, "visibility": "private"}) is None


def test_posting() -> None:
    announcing, slow = replace(GROUP, posting="admins"), replace(GROUP, slow_seconds=10)
    assert [kind(may_post(announcing, role)) for role in ROLES] == [None, None, "forbidden"]
    assert [may_post(slow, role) for role in ROLES] == [None] * 3
    assert [wait_to_post(slow, role, 50_000, 53_000) for role in ROLES] == [0, 0, 7_000]
    assert wait_to_post(slow, "member", 50_000, 60_000) == 0
    assert wait_to_post(GROUP, "member", 50_000, 50_000) == 0
    assert [chat.free for chat in (GROUP, announcing, slow)] == [True, False, False]


def test_creating() -> None:
    assert may_create_group(0, 3) is None
    assert may_create_group(2, 3) is None
    assert kind(may_create_group(3, 3)) == "invalid"
    assert may_create_group(10**6, 0) is None
    assert may_create_direct(1, [2], None) is None
    for others, title in (([], None), ([1], None), ([2, 3], None), ([2], "Title")):
        assert kind(may_create_direct(1, others, title)) == "invalid"
