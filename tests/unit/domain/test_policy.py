"""Who may do what: the whole table."""

from itertools import product

import pytest

from hubbub.domain.chat import Chat, Role
from hubbub.domain.policy import (
    Denied,
    may_add,
    may_change_role,
    may_create_direct,
    may_create_group,
    may_leave,
    may_remove,
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
    alone = Chat(1, "group", None, "Title", "joined", 0, 1)
    for role in ROLES:
        assert kind(may_leave(GROUP, role, 2)) is None
        assert kind(may_leave(GROUP, role, 1)) == ("conflict" if role == "owner" else None)
        assert kind(may_leave(alone, role, 1)) is None
        assert kind(may_leave(DIRECT, role, 0)) == "conflict"


def test_changing_roles() -> None:
    for role, other, wanted in product(ROLES, ROLES, ROLES):
        answer = kind(may_change_role(GROUP, role, other, wanted, 2))
        assert answer == (None if role == "owner" else "forbidden")
        assert kind(may_change_role(DIRECT, role, other, wanted, 2)) == "conflict"
    for wanted in ROLES:
        last = kind(may_change_role(GROUP, "owner", "owner", wanted, 1))
        assert last == (None if wanted == "owner" else "conflict")


def test_creating() -> None:
    assert may_create_group(0, 3) is None
    assert may_create_group(2, 3) is None
    assert kind(may_create_group(3, 3)) == "invalid"
    assert may_create_group(10**6, 0) is None
    assert may_create_direct(1, [2], None) is None
    for others, title in (([], None), ([1], None), ([2, 3], None), ([2], "Title")):
        assert kind(may_create_direct(1, others, title)) == "invalid"
