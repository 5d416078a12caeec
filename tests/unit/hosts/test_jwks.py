"""A published key set: followed when it changes, kept when it cannot be had."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hubbub.adapters.issuers.followed import MAX_BYTES, Pace, visiting
from hubbub.adapters.issuers.jwks import PublishedKeys, pick
from hubbub.ports import Unavailable
from tests.support.hosts import OTHER_RSA_KEY, KeyServer, jwk, publishing
from tests.support.wait import eventually

QUICK = Pace(refresh=0.02, retry=0.02, pause=0.001, patience=5)
SLOW = Pace(refresh=600, retry=600, pause=0.001, patience=5)


@asynccontextmanager
async def following(
    server: KeyServer, pace: Pace, told: list[str | None] | None = None
) -> AsyncIterator[PublishedKeys]:
    keys = PublishedKeys(server.url, (told if told is not None else []).append, pace)
    async with visiting(pace) as http, asyncio.TaskGroup() as group:
        task = group.create_task(keys.run(http))
        try:
            yield keys
        finally:
            task.cancel()


async def rested(keys: PublishedKeys) -> None:
    """Until the next unknown name has the set fetched again."""
    await eventually(lambda: bool(keys.set.value) and not keys.set.resting, "it may fetch again")


async def test_keys_are_found_by_name_and_algorithm() -> None:
    first = (jwk("RS256", "r"), jwk("ES256", "e"))
    async with publishing(*first) as server, following(server, SLOW) as keys:
        found = await keys.find("r", "RS256")
        assert found is not None
        assert found.algorithm == "RS256"
        assert await keys.find("r", "ES256") is None
        assert await keys.find("e", "HS256") is None
        assert await keys.find(None, "ES256") is not None, "the only one"
        server.keys.append(jwk("ES256", "e2"))
        await rested(keys)
        assert await keys.find("e2", "ES256") is not None
        assert await keys.find(None, "ES256") is None, "one of two"


async def test_an_unknown_name_has_them_fetched_anew() -> None:
    async with publishing(jwk("RS256", "old")) as server, following(server, SLOW) as keys:
        assert await keys.find("old", "RS256") is not None
        server.keys = [jwk("RS256", "new", OTHER_RSA_KEY)]
        await rested(keys)
        found = await asyncio.gather(*(keys.find("new", "RS256") for _ in range(50)))
        assert all(found)
        assert server.asked == 2, "one fetch for all who ask"
        assert await keys.find("old", "RS256") is None, "and what is not published any more is gone"


async def test_unknown_names_do_not_have_them_fetched_all_the_time() -> None:
    calm = Pace(refresh=600, retry=600, pause=600, patience=5)
    async with publishing(jwk("RS256", "r")) as server, following(server, calm) as keys:
        assert await keys.find("r", "RS256") is not None
        for number in range(100):
            assert await keys.find(f"made up {number}", "RS256") is None
        assert server.asked == 1


async def test_they_are_refreshed_by_themselves() -> None:
    async with publishing(jwk("RS256", "old")) as server, following(server, QUICK) as keys:
        assert await keys.find("old", "RS256") is not None
        server.keys = [jwk("RS256", "new")]
        await eventually(
            lambda: pick(keys.set.value, "old", "RS256") is None, "the old key is gone"
        )


@pytest.mark.parametrize("trouble", ["status", "moved", "huge", "nonsense", "empty"])
async def test_the_last_good_keys_stay(trouble: str) -> None:
    told: list[str | None] = []
    async with publishing(jwk("RS256", "r")) as server, following(server, QUICK, told) as keys:
        assert await keys.find("r", "RS256") is not None
        server.status = {"status": 500, "moved": 302}.get(trouble, 200)
        bodies = {"huge": b" " * (MAX_BYTES + 1), "nonsense": b"<html>", "empty": b'{"keys":[]}'}
        server.body = bodies.get(trouble)
        await eventually(lambda: len(told) == 2, "the trouble is told")
        assert await keys.find("r", "RS256") is not None
        assert await keys.find("other", "RS256") is None
        server.status, server.body = 200, None
        await eventually(lambda: told[2:] == [None], "and its end")


async def test_a_server_that_is_slow_holds_nobody_up_for_long() -> None:
    brief = Pace(refresh=0.01, retry=0.01, pause=0.001, patience=0.05)
    told: list[str | None] = []
    async with publishing(jwk("RS256", "r")) as server:
        server.held = asyncio.Event()
        async with following(server, brief, told) as keys:
            with pytest.raises(Unavailable):
                await keys.find("r", "RS256")
            await eventually(lambda: bool(told), "it is told")
            assert told[0] is not None
            assert told[0].startswith("no answer")
            server.held.set()
            await eventually(lambda: pick(keys.set.value, "r", "RS256") is not None, "it came back")


async def test_without_any_keys_yet_nothing_is_said_of_a_token() -> None:
    told: list[str | None] = []
    async with publishing() as server:
        server.status = 503
        async with following(server, QUICK, told) as keys:
            with pytest.raises(Unavailable):
                await keys.find("r", "RS256")
            server.status, server.keys = 200, [jwk("RS256", "r")]
            await eventually(lambda: None in told, "it came up")
            assert await keys.find("r", "RS256") is not None
    assert told[0] == "HTTP 503"


async def test_a_server_that_is_down() -> None:
    told: list[str | None] = []
    async with publishing() as server:
        gone = server.url
    keys = PublishedKeys(gone, told.append, QUICK)
    async with visiting(QUICK) as http, asyncio.TaskGroup() as group:
        task = group.create_task(keys.run(http))
        with pytest.raises(Unavailable):
            await keys.find("r", "RS256")
        task.cancel()
    assert told == ["ClientConnectorError"]
