"""Several servers on real engines, with one rule taken out."""

from typing import Any
from unittest.mock import patch

from hubbub.adapters.postgres import leases, work
from hubbub.adapters.postgres.chats import PostgresChatStore
from hubbub.adapters.valkey import nodes
from hubbub.adapters.valkey.scripts import LIVING
from hubbub.domain.change import Change


def nodes_live_for_ever() -> Any:
    """What a node held is found there, though its lease has ended."""
    return patch.object(nodes, "LIVING", LIVING.replace("KEYS[1], now,", "KEYS[1], 0,"))


def numbers_leased_for_ever() -> Any:
    """Nobody gets the number of a node whose lease has ended."""
    return patch.object(leases, "TAKE", leases.TAKE.replace(f"until < {leases.NOW}", "false"))


def every_chat_waited_for() -> Any:
    """A transaction waits for a chat that another one has, and holds others meanwhile."""
    return patch.object(work, "LOCK_CHATS", work.LOCK_CHATS.replace(" SKIP LOCKED", ""))


def skipped_out_of_order() -> Any:
    """What was left out, since others had its chat, follows in whatever order."""
    commit = PostgresChatStore._commit

    async def backwards(self: Any, changes: list[Change], wait: bool) -> Any:
        if not wait:
            return await commit(self, changes, wait)
        return (await commit(self, changes[::-1], wait))[::-1]

    return patch.object(PostgresChatStore, "_commit", backwards)
