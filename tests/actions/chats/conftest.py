"""Verbs on dictionaries, and four users."""

import pytest

from hubbub.domain.account import Principal
from hubbub.domain.limits import MessageLimits
from tests.actions.chats.house import House


@pytest.fixture
def house() -> House:
    return House(MessageLimits())


@pytest.fixture
async def ann(house: House) -> Principal:
    return await house.user("ann")


@pytest.fixture
async def bob(house: House) -> Principal:
    return await house.user("bob")


@pytest.fixture
async def cat(house: House) -> Principal:
    return await house.user("cat")


@pytest.fixture
async def eve(house: House) -> Principal:
    return await house.user("eve")
