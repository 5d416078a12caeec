"""An engine that goes away in the middle of a verb: what was asked is done once, and answered."""

from collections.abc import Callable
from typing import Any

import pytest

from hubbub.adapters.memory.accounts import MemoryAccounts
from hubbub.ports import OutcomeUnknown
from hubbub_protocol import rest
from tests.support.accounts import CALLER, Rig, rig


def lose(it: Rig, method: str, times: int) -> Callable[[], int]:
    """Let the answers of a store's method get lost, though it is done."""
    real = getattr(it.accounts, method)
    lost = 0

    async def losing(*arguments: Any) -> Any:
        nonlocal lost
        result = await real(*arguments)
        if lost < times:
            lost += 1
            raise OutcomeUnknown("The answer is lost.")
        return result

    setattr(it.accounts, method, losing)
    return lambda: lost


@pytest.mark.parametrize("method", ["add_user", "add_session", "rotate", "revoke"])
async def test_one_lost_answer_is_not_noticed(method: str) -> None:
    it = rig()
    lost = lose(it, method, 1)
    signed_in = await it.register(rest.Register(username="ann", password="12345678"), CALLER)
    signed_in = await it.refresh(rest.Refresh(signed_in.refresh_token))
    principal = await it.authenticate(signed_in.token)
    assert len((await it.sessions(principal)).sessions) == 1
    await it.revoke(principal, signed_in.session_id)
    assert principal.session_id in it.revocations
    assert lost() == 1


async def test_what_stays_unknown_is_said() -> None:
    it = rig()
    lose(it, "add_user", 99)
    with pytest.raises(OutcomeUnknown):
        await it.register(rest.Register(username="ann", password="12345678"), CALLER)
    assert isinstance(it.accounts, MemoryAccounts)
    assert await it.accounts.users([], "ann"), "he may sign in"
