"""Password hashing: the right parameters, off the loop, and a bound on who waits."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hubbub.adapters.local import passwords as module
from hubbub.adapters.local.passwords import Argon2Passwords
from hubbub_protocol.codes import Code, Refused


@pytest.fixture
async def passwords() -> AsyncIterator[Argon2Passwords]:
    cheap = Argon2Passwords(memory_kib=64, passes=1)
    yield cheap
    cheap.close()


async def test_a_hash_fits_its_password_alone(passwords: Argon2Passwords) -> None:
    phc = await passwords.hash("grün")
    assert await passwords.verify("grün", phc)
    assert await passwords.verify("gru\u0308n", phc), "composed or not, it is the same"
    assert not await passwords.verify("grun", phc)
    assert await passwords.hash("grün") != phc, "each has a salt of its own"


async def test_the_parameters_are_those_advised() -> None:
    passwords = Argon2Passwords()
    try:
        assert (await passwords.hash("x")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert passwords._nobody.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    finally:
        passwords.close()


async def test_hashes_with_other_parameters_still_fit(passwords: Argon2Passwords) -> None:
    other = Argon2Passwords(memory_kib=128, passes=2)
    try:
        phc = await other.hash("x")
    finally:
        other.close()
    assert await passwords.verify("x", phc)


async def test_nobody_has_no_password(passwords: Argon2Passwords) -> None:
    assert not await passwords.verify("", "")
    assert not await passwords.verify("anything", "")


async def test_who_would_wait_too_long_is_refused(passwords: Argon2Passwords) -> None:
    room = module.THREADS + module.WAITING
    results = await asyncio.gather(
        *(passwords.hash("x") for _ in range(room + 3)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, Refused)]
    assert [(it.code, it.retry_after) for it in refused] == [(Code.OVERLOADED, 1.0)] * 3
    assert await passwords.hash("x"), "there is room again"
