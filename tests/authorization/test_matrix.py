"""Every cell of the table, asked of a real server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import groupby
from typing import get_args

import pytest

from hubbub.entry.rest.openapi import openapi
from hubbub_protocol.frames import ClientFrame
from tests.authorization.calls import CALLS, Cell
from tests.authorization.signals import SIGNALS, play
from tests.authorization.table import Row, read
from tests.authorization.world import Group, World

TABLE = read()
ROLES = ("owner", "admin", "member", "other", "left", "removed", "readded", "later", "stranger",
         "operator", "revoked", "blocked", "nobody", "bad", "expired")  # fmt: skip
AT_ONCE = 5
"""Cells at once: the observer's session has ten connections at most."""
CHANGES = ("add_members", "change_chat", "change_member", "remove_member", "leave_chat",
           "join_chat", "follow_invite", "edit_message", "delete_message", "pin_message",
           "unpin_message", "add_reaction", "remove_reaction", "edit", "delete", "pin",
           "react")  # fmt: skip


def operations() -> set[str]:
    paths = openapi()["paths"].values()
    return {call["operationId"] for path in paths for call in path.values()}


def frame_types() -> set[str]:
    return {str(frame.__struct_config__.tag) for frame in get_args(ClientFrame)}


def names(rows: list[Row]) -> set[str]:
    return {row.name for row in rows}


def test_every_call_has_a_row_and_every_row_a_call() -> None:
    assert names(TABLE["rest"]) == operations()
    assert sorted(row.title for row in TABLE["rest"]) == sorted(CALLS)


def test_every_frame_has_a_row_and_every_row_a_frame() -> None:
    assert names(TABLE["frames"]) == frame_types()
    assert sorted(row.title for row in TABLE["frames"]) == sorted(SIGNALS)


def test_every_row_says_it_of_everybody() -> None:
    assert set(TABLE) == {"rest", "frames"}
    for row in (*TABLE["rest"], *TABLE["frames"]):
        assert tuple(row.cells) == ROLES


@pytest.mark.parametrize("row", TABLE["rest"], ids=lambda row: row.title)
async def test_call(row: Row, world: World) -> None:
    call = CALLS[row.title]

    async def ask(stage: World, role: str, group: Group) -> str:
        cell = Cell(stage, role, group)
        answer = await call(cell)
        if answer.status == 404:
            # What is hidden from him looks as if it were not there.
            unseen = await call(replace(cell, group=cell.group.hidden_from(role)))
            assert answer.told == unseen.told
            assert set(answer.headers) == set(unseen.headers)
        if answer.status >= 400:
            assert answer.body["status"] == answer.status
        return str(answer.status)

    await compare(row, world, ask)


@pytest.mark.parametrize("row", TABLE["frames"], ids=lambda row: row.title)
async def test_frame(row: Row, world: World) -> None:
    async def ask(stage: World, role: str, group: Group) -> str:
        return await play(stage, role, group, SIGNALS[row.title], row.cells[role])

    await compare(row, world, ask)


async def compare(
    row: Row, world: World, ask: Callable[[World, str, Group], Awaitable[str]]
) -> None:
    """The row as it is played is the row as it is written."""
    room = asyncio.Semaphore(AT_ONCE)
    shared = await world.gather()

    async def fill(role: str) -> tuple[str, str]:
        async with room:
            if role == "blocked":
                stage = await world.with_blocked()
                return role, await ask(stage, role, await stage.gather())
            group = await world.gather() if alone(row, role) else shared
            return role, await ask(world, role, group)

    first = [role for role in row.cells if role != "other"]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(fill(role)) for role in first]
    found = dict([task.result() for task in tasks] + [await fill("other")])
    assert _told(found) == _told(row.cells)


def alone(row: Row, role: str) -> bool:
    """Whether a cell needs a group that no other cell uses: it changes what the others meet."""
    changes = row.name in CHANGES and row.cells[role].startswith(("200", "ack"))
    return changes or role in ("other", "revoked")  # whose cursors are the member's


def _told(cells: dict[str, str]) -> list[str]:
    """Cells for a failure that can be read: who gets what."""
    by_cell = sorted(cells.items(), key=lambda item: item[1])
    groups = groupby(by_cell, key=lambda item: item[1])
    return [f"{cell}: {', '.join(sorted(r for r, _ in members))}" for cell, members in groups]
