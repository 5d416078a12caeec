"""The simulated loop runs asyncio's own tools, by virtual time, and the same for the same seed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.simulation import seeds
from tests.simulation.loop import Deadlock, RealIO, SimulatedLoop, Stuck, Swallowed, run

ROOT = Path(__file__).parents[2]
HOUR = 3600.0
Record = list[str]


def simulated() -> SimulatedLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimulatedLoop)
    return loop


async def pause(seconds: float) -> None:
    """Virtual time is free."""
    await asyncio.sleep(seconds)


async def fail_after(seconds: float) -> None:
    await pause(seconds)
    raise LookupError("planted")


async def sluggish() -> None:
    """What has several tasks, queues, timers, executors, cancellation and sets of tasks."""
    queue: asyncio.Queue[int] = asyncio.Queue(3)
    rng = simulated().rng("test")

    async def produce(first: int) -> None:
        for number in range(first, first + 20):
            await pause(rng.random())
            await queue.put(number)

    async def consume(name: str) -> None:
        while True:
            number = await queue.get()
            await asyncio.to_thread(str, number)
            await pause(0)
            queue.task_done()

    async with asyncio.TaskGroup() as tasks:
        consumers = {tasks.create_task(consume(name)) for name in ("ann", "bob", "eve", "joe")}
        producers = {tasks.create_task(produce(first)) for first in range(0, 100, 20)}
        await asyncio.wait(producers)
        await queue.join()
        for task in consumers:
            task.cancel()


def digest(seed: int, main: Callable[[], Awaitable[None]] = sluggish, *, shuffle: bool) -> str:
    async def traced() -> str:
        await main()
        return simulated().digest()

    return run(traced, seed, trace=True, shuffle=shuffle)


def test_time_is_virtual() -> None:
    async def main() -> float:
        await pause(100 * HOUR)
        return simulated().time()

    began = time.monotonic()
    assert run(main, 0) == 100 * HOUR
    assert time.monotonic() - began < 5


def test_timers_fire_in_order_and_equal_ones_first_in_first_out() -> None:
    async def main() -> Record:
        said: Record = []
        loop = simulated()
        for due, word in ((2, "c"), (1, "a"), (1, "b"), (3, "never"), (2, "d")):
            timer = loop.call_later(due, said.append, f"{word}@{due}")
            if word == "never":
                timer.cancel()
        await pause(5)
        return said

    assert run(main, 0) == ["a@1", "b@1", "c@2", "d@2"]
    orders = {tuple(run(main, seed, shuffle=True)) for seed in range(40)}
    assert {order[0][0] + order[1][0] for order in orders} == {"ab", "ba"}
    assert {order[2][0] + order[3][0] for order in orders} == {"cd", "dc"}


def test_many_cancelled_timers_are_forgotten() -> None:
    async def main() -> int:
        loop = simulated()
        for _ in range(10_000):
            loop.call_later(HOUR, str).cancel()
            await pause(0.001)
        return len(loop._timers)

    assert run(main, 0) < 1000


@pytest.mark.parametrize("shuffle", [False, True])
def test_call_soon_stays_first_in_first_out(shuffle: bool) -> None:
    async def main() -> list[int]:
        said: list[int] = []
        async with asyncio.TaskGroup() as tasks:
            for number in range(50):
                tasks.create_task(pause(0))
                simulated().call_soon(said.append, number)
        await pause(1)
        return said

    for seed in seeds(20, most=100):
        assert run(main, seed, shuffle=shuffle) == list(range(50))


def test_shuffling_explores_the_interleavings_of_tasks() -> None:
    """Two read-then-write increments lose one in some orders; first in, first out hides that."""

    async def main() -> int:
        balance = 0

        async def deposit(turns: int) -> None:
            nonlocal balance
            for _ in range(turns):
                await pause(0)
            seen = balance
            await pause(0)
            balance = seen + 1

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(deposit(0))
            tasks.create_task(deposit(2))
        return balance

    assert {run(main, seed) for seed in range(20)} == {2}
    assert {run(main, seed, shuffle=True) for seed in range(100)} == {1, 2}


@pytest.mark.parametrize("shuffle", [False, True])
def test_the_same_seed_gives_the_same_trace(shuffle: bool) -> None:
    first = [digest(seed, shuffle=shuffle) for seed in range(10)]
    junk = [object() for _ in range(1000)]
    assert [digest(seed, shuffle=shuffle) for seed in range(10)] == first
    assert len(set(first)) == 10
    del junk


def test_another_hash_seed_gives_the_same_trace() -> None:
    code = (
        "from tests.simulation.test_loop import digest\n"
        "print([digest(seed, shuffle=True) for seed in range(5)])"
    )
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == str([digest(seed, shuffle=True) for seed in range(5)])


@pytest.mark.parametrize("shuffle", [False, True])
def test_asyncio_s_tools_work(shuffle: bool) -> None:
    async def gather() -> None:
        assert await asyncio.gather(*(asyncio.sleep(n, n) for n in (3, 1, 2))) == [3, 1, 2]

    async def time_out() -> None:
        begin = simulated().time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await pause(HOUR)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 1.5)
        assert simulated().time() == begin + 4

    async def fail_together() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail_after(1))
            tasks.create_task(pause(HOUR))

    async def group() -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await fail_together()
        assert caught.group_contains(LookupError)
        assert simulated().time() < HOUR

    async def signals() -> None:
        event, ready, lock = asyncio.Event(), asyncio.Condition(), asyncio.Lock()
        future = simulated().create_future()

        async def wake() -> None:
            await pause(1)
            event.set()
            future.set_result("here")
            async with ready:
                ready.notify_all()

        async with asyncio.TaskGroup() as tasks:
            async with ready:
                tasks.create_task(wake())
                await ready.wait()
            assert await future == "here"
            await event.wait()
            async with lock:
                assert lock.locked()

    async def streams() -> None:
        reader = asyncio.StreamReader()
        simulated().call_later(1, reader.feed_data, b"one\ntwo\n")
        simulated().call_later(2, reader.feed_eof)
        assert [line async for line in reader] == [b"one\n", b"two\n"]

    for seed in seeds(10, most=100):
        for main in (gather, time_out, group, signals, streams, sluggish):
            run(main, seed, shuffle=shuffle)


def test_an_executor_runs_in_the_loop_after_a_delay() -> None:
    async def main() -> float:
        loop = simulated()
        assert await asyncio.to_thread(threading.get_ident) == threading.get_ident()
        with ThreadPoolExecutor() as pool:
            assert await loop.run_in_executor(pool, divmod, 7, 2) == (3, 1)
            assert not pool._threads
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 7, 0)
        return loop.time()

    took = {run(main, seed) for seed in range(5)}
    assert len(took) == 5
    assert all(0.0006 <= seconds <= 0.015 for seconds in took)


def test_a_cancelled_executor_call_has_begun_or_not() -> None:
    async def main() -> int:
        done: list[int] = []
        call = simulated().run_in_executor(None, done.append, 1)
        call.cancel()
        await pause(1)
        return len(done)

    assert {run(main, seed) for seed in range(30)} == {0, 1}


def test_a_deadlock_names_who_waits_and_where() -> None:
    async def stand_still() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stand_still(), name="the sleeper")

    with pytest.raises(Deadlock, match=r"the sleeper waits at .*test_loop.py:\d+ in .*stand_still"):
        run(main, 0)


def test_a_run_is_bounded_in_turns_and_time() -> None:
    async def spin() -> None:
        while True:
            await pause(0)

    async def wait() -> None:
        while True:
            await pause(HOUR)

    with pytest.raises(Stuck, match="1001 turns"):
        run(spin, 0, max_turns=1000)
    with pytest.raises(Stuck, match="past 86400 s"):
        run(wait, 0, max_time=24 * HOUR)


def test_real_input_and_output_is_refused() -> None:
    async def connect() -> None:
        await asyncio.open_connection("localhost", 80)

    async def serve() -> None:
        await simulated().create_server(asyncio.Protocol, "localhost", 0)

    async def resolve() -> None:
        await simulated().getaddrinfo("localhost", 80)

    async def spawn() -> None:
        await asyncio.create_subprocess_exec("true")

    async def listen() -> None:
        simulated().add_signal_handler(signal.SIGTERM, str)

    async def poll() -> None:
        simulated().add_reader(0, str)

    for main in (connect, serve, resolve, spawn, listen, poll):
        with pytest.raises(RealIO):
            run(main, 0)


def test_another_thread_is_refused() -> None:
    async def main() -> None:
        loop, errors = simulated(), list[BaseException]()

        def call() -> None:
            try:
                loop.call_soon_threadsafe(str)
            except RealIO as error:
                errors.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        assert len(errors) == 1
        loop.call_soon_threadsafe(errors.clear)
        await pause(0)
        assert not errors

    run(main, 0)


def test_what_is_left_is_cancelled() -> None:
    closed: Record = []

    async def linger() -> None:
        try:
            await pause(HOUR)
        finally:
            await pause(1)
            closed.append("task")

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append("generator")

    async def main() -> str:
        background.add(asyncio.get_running_loop().create_task(linger()))
        generators.append(numbers())
        async for _ in generators[0]:
            break
        await pause(1)
        return "done"

    background: set[asyncio.Task[None]] = set()
    generators: list[AsyncIterator[int]] = []
    assert run(main, 0) == "done"
    assert closed == ["task", "generator"]


def test_what_nobody_hears_is_raised() -> None:
    kept: list[asyncio.Task[None]] = []
    no_words: dict[str, str] = {}

    async def unheard(keep: bool) -> None:
        task = asyncio.get_running_loop().create_task(fail_after(1))
        if keep:
            kept.append(task)
        del task
        await pause(2)

    async def in_a_callback() -> None:
        simulated().call_soon(no_words.__getitem__, "planted")
        await pause(1)

    async def dropped() -> None:
        await unheard(keep=False)

    async def held() -> None:
        await unheard(keep=True)

    for main in (dropped, held, in_a_callback):
        with pytest.raises(Swallowed, match="planted"):
            run(main, 0)


def test_a_task_that_outlives_its_cancellation_is_raised() -> None:
    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        kept.append(asyncio.get_running_loop().create_task(stubborn()))
        await pause(1)

    kept: list[asyncio.Task[None]] = []
    with pytest.raises(Swallowed, match="outlive"):
        run(main, 0)
    kept[0].get_coro().close()


def test_a_failure_says_how_to_replay_it() -> None:
    async def main() -> None:
        await fail_after(1)

    with pytest.raises(LookupError) as caught:
        run(main, 1234)
    assert "HUBBUB_SEED=1234" in caught.value.__notes__[-1]


def test_a_turn_costs_microseconds() -> None:
    """Ten times slower than measured, so that a busy machine does not fail it."""

    async def main() -> int:
        for _ in range(50_000):
            await pause(0)
        return simulated().turns

    began = time.process_time()
    turns = run(main, 0, shuffle=True)
    assert (time.process_time() - began) / turns < 20e-6
