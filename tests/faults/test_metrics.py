"""What /metrics says after something has happened is what has happened."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.faults.device import Device
from tests.faults.people import Api
from tests.support.server import PATIENCE
from tests.support.wait import eventually

COUNT = 20


@pytest.fixture
def settings() -> dict[str, str]:
    return {"HUBBUB_INGEST_QUEUE": "1234", "HUBBUB_SERVER_MAX_CONNECTIONS": "321"}


async def test_they_count_what_happens(api: Api) -> None:
    ann, bob, cid = await api.people("ann", "bob", "cid")
    chat = await api.group(ann, [bob, cid])
    before = await api.metrics()
    devices = [Device(api, person, seed=n) for n, person in enumerate((ann, bob, cid))]
    async with AsyncExitStack() as stack:
        for device in devices:
            await stack.enter_async_context(device.on())
        await eventually(lambda: all(d.view.live for d in devices), "they are there", PATIENCE)
        for _ in range(COUNT):
            devices[0].send(chat)
        await eventually(
            lambda: all(d.view.places.get(chat) == COUNT for d in devices), "received", PATIENCE
        )
        during = await api.metrics()
    message = {"chat_id": chat, "content": "too much"}
    answers = await asyncio.gather(*(api("POST", "/messages", message, of=ann) for _ in range(300)))
    limited = sum(answer.status == 429 for answer in answers)
    assert limited
    after = await api.until(lambda metrics: metrics["hubbub_connections"] == 0)

    def more(name: str) -> float:
        return during[name] - before.get(name, 0)

    assert more("hubbub_accepted_total") == COUNT
    assert more("hubbub_stored_total") == COUNT
    assert more("hubbub_acked_total") == COUNT
    assert more("hubbub_delivered_total") == 3 * COUNT
    assert more("hubbub_frames_total") >= 4 * COUNT
    assert more("hubbub_accept_to_delivery_seconds_count") == COUNT
    assert more('hubbub_accept_to_delivery_seconds_bucket{le="+Inf"}') == COUNT
    assert 0 < more("hubbub_accept_to_delivery_seconds_sum") < COUNT * PATIENCE
    buckets = [v for k, v in during.items() if k.startswith("hubbub_accept_to_delivery_seconds_b")]
    assert buckets == sorted(buckets)
    assert 0 < more("hubbub_commits_total") <= during["hubbub_accepted_total"] + 3 * COUNT
    assert more("hubbub_resumes_total") == 3
    assert during["hubbub_connections"] == 3
    assert during["hubbub_connections_limit"] == 321
    assert during["hubbub_queue_capacity"] == 1234
    assert during["hubbub_queue_depth"] == 0
    for name in ("slow_readers_total", "gap_repairs_total", "commit_failures_total",
                 "commit_repeats_total", "bus_holes_total", "store_restarts"):  # fmt: skip
        assert during[f"hubbub_{name}"] == 0, name
    assert after['hubbub_refused_total{code="rate_limited"}'] == limited
    assert after['hubbub_http_answers_total{operation="send_message",status="429"}'] == limited
