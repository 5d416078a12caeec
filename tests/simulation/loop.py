"""An asyncio event loop whose time, order and threads obey a seed.

`run(main, seed)` is what a test calls. `SimulatedLoop` has no selector, sockets or threads:

- **Time** is virtual. When nothing is ready it jumps to the next timer.
- **Order.** asyncio promises that `call_soon` callbacks run first in, first out, and says that
  the order of callbacks due at the same time is undefined. With `shuffle` the loop therefore
  permutes (a) timers due at the same instant, and (b) the *steps of different tasks* that are
  ready in one turn, and holds a step back for a turn now and then. (b) is sound since a task
  promises nobody when it goes on after an await: it may always be slower. Every other callback
  keeps its place in the order, so a transport's `data_received` never passes `connection_lost`.
  A step only ever moves between points where it was already ready, so causes precede effects.
  Code that counts turns (`sleep(0)` "to let the others start") is what this mode breaks.
- **Executors.** `run_in_executor` runs the function in the loop after a seeded virtual delay.
- **Identity.** Tasks and futures hash by the order of their creation, since asyncio keeps them
  in sets (`TaskGroup`, `wait`) and would cancel them in order of memory addresses.
- **Bounds.** `Deadlock` when nothing can ever happen again, `Stuck` when a bound on turns or
  virtual time is passed, `RealIO` on every call that would leave the process.

What the loop cannot make repeatable: iteration over sets of strings or of objects that hash by
address, the real clock, `random`, `uuid4`, `os.urandom`. Compare `digest()` of two runs.
"""

import asyncio
import hashlib
import heapq
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from random import Random
from types import CoroutineType
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack
from weakref import WeakSet

from tests.simulation import replayable

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DEFER = 0.1  # the share of task steps that a shuffled turn holds back
ASYNCIO = os.path.dirname(asyncio.__file__)
CLEANUP_TURNS = 200_000
CLEANUP_TIME = 86_400.0
REAL = (
    *("create_connection", "create_server", "create_datagram_endpoint", "start_tls", "sendfile"),
    *("create_unix_connection", "create_unix_server", "connect_accepted_socket"),
    *("connect_read_pipe", "connect_write_pipe", "subprocess_exec", "subprocess_shell"),
    *("getaddrinfo", "getnameinfo", "add_signal_handler", "remove_signal_handler"),
    *("add_reader", "remove_reader", "add_writer", "remove_writer"),
    *("sock_recv", "sock_recv_into", "sock_recvfrom", "sock_recvfrom_into", "sock_sendall"),
    *("sock_sendto", "sock_connect", "sock_accept", "sock_sendfile"),
)


class SimulationError(AssertionError):
    """Base of what the simulated world itself finds wrong."""


class Deadlock(SimulationError):
    """Nothing is ready, no timer is set, and the main task is not done."""


class Stuck(SimulationError):
    """The bound on turns or on virtual time was passed."""


class RealIO(SimulationError):
    """Something asked the simulated loop for a socket, a process, a signal or a thread."""


class Swallowed(SimulationError):
    """Exceptions that reached only the loop's exception handler, or tasks that cannot be ended."""

    def __init__(self, contexts: list[dict[str, Any]]) -> None:
        self.contexts = contexts
        lines = [f"- {c.get('message')}: {c.get('exception')!r}" for c in contexts]
        super().__init__("nobody received:\n" + "\n".join(lines))


class SimulatedTask(asyncio.Task[T]):
    """A task that hashes by the order of its creation."""

    def __init__(self, coro: Any, *, order: int, **options: Any) -> None:
        self.order = order
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self.order

    @property
    def unretrieved(self) -> bool:
        """Whether it failed and nobody has asked for the exception yet."""
        return bool(getattr(self, "_log_traceback", False))


class SimulatedFuture(asyncio.Future[T]):
    """A future that hashes by the order of its creation."""

    def __init__(self, *, order: int, loop: asyncio.AbstractEventLoop) -> None:
        self.order = order
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.order


def _refused(name: str) -> Any:
    """A method that refuses real I/O."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise RealIO(f"{name}() needs the real world; the simulation has none. Inject a fake.")

    return refuse


class SimulatedLoop(asyncio.BaseEventLoop):
    """The loop; see the module's text. Times are seconds of virtual time from 0.

    `max_time` and `max_turns` bound a run. `executor_delay` is the range of the delay before a
    function given to an executor runs. `trace` keeps a line per callback (slower).
    """

    _ready: deque[asyncio.Handle]
    _stopping: bool
    _thread_id: int | None
    _check_closed: Callable[[], None]

    def __init__(
        self,
        seed: int,
        *,
        shuffle: bool = False,
        max_time: float = 7 * 86_400.0,
        max_turns: int = 5_000_000,
        executor_delay: tuple[float, float] = (0.0002, 0.005),
        trace: bool = False,
    ) -> None:
        super().__init__()
        self.seed = seed
        self.turns = 0
        self.errors: list[dict[str, Any]] = []
        self.trace: list[str] = []
        self.tasks: WeakSet[SimulatedTask[Any]] = WeakSet()
        self._now = 0.0
        self._made = 0
        self._shuffle = shuffle
        self._tracing = trace
        self._executor_delay = executor_delay
        self._timers: list[tuple[float, float, int, asyncio.TimerHandle]] = []
        self._cancelled_timers = 0
        self._order_rng = self.rng("order")
        self._executor_rng = self.rng("executor")
        self.bound(max_turns=max_turns, max_time=max_time)
        self.set_task_factory(self._make_task)
        self.set_exception_handler(lambda _, context: self.errors.append(context))

    def rng(self, purpose: str) -> Random:
        """A random stream of its own for `purpose`: drawing from one never disturbs another."""
        return Random(f"{self.seed}/{purpose}")

    def bound(self, *, max_turns: int, max_time: float) -> None:
        """Allow that many more turns and seconds from now on."""
        self._max_turns = self.turns + max_turns
        self._max_time = self._now + max_time

    def digest(self) -> str:
        """A hash of the trace, equal for equal runs. Needs `trace=True`."""
        if not self._tracing:
            raise ValueError("digest() needs a loop made with trace=True")
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()

    # Time and timers

    def time(self) -> float:
        return self._now

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio's. Equal times run first in, first out, or permuted with `shuffle`."""
        self._check_closed()
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._made += 1
        tie = self._order_rng.random() if self._shuffle else 0.0
        heapq.heappush(self._timers, (when, tie, self._made, timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._cancelled_timers += 1  # an upper bound: some may have left the heap already

    def _drop_cancelled(self) -> None:
        timers = self._timers
        if self._cancelled_timers > 100 and self._cancelled_timers * 2 > len(timers):
            timers[:] = [entry for entry in timers if not entry[3].cancelled()]
            heapq.heapify(timers)
            self._cancelled_timers = 0
        while timers and timers[0][3].cancelled():
            heapq.heappop(timers)

    # Turns

    def _run_once(self) -> None:
        self.turns += 1
        if self.turns > self._max_turns:
            raise Stuck(f"{self.turns} turns at {self._now:.3f} s; {self._waiting()}")
        ready = self._ready
        self._take_due(ready)
        batch = self._interleaved(ready) if self._shuffle and len(ready) > 1 else ready
        for _ in range(len(batch)):
            handle = batch.popleft()
            if handle.cancelled():
                continue
            if self._tracing:
                task = _task_of(handle)
                name = task.get_name() if task else _qualname(getattr(handle, "_callback", None))
                self.trace.append(f"{self._now:.9f} {name}")
            handle._run()

    def _take_due(self, ready: deque[asyncio.Handle]) -> None:
        """Move what is due to `ready`, first moving time if there is nothing else to do."""
        self._drop_cancelled()
        timers = self._timers
        if not ready and not self._stopping:
            if not timers:
                raise Deadlock(f"nothing can happen after {self._now:.3f} s; {self._waiting()}")
            self._now = max(self._now, timers[0][0])
            if self._now > self._max_time:
                raise Stuck(f"past {self._max_time:.0f} s of virtual time; {self._waiting()}")
        while timers and timers[0][0] <= self._now:
            ready.append(heapq.heappop(timers)[3])

    def _interleaved(self, ready: deque[asyncio.Handle]) -> deque[asyncio.Handle]:
        """Take this turn's handles from `ready`, tasks' steps permuted, some held back in it."""
        batch = list(ready)
        places = [place for place, handle in enumerate(batch) if _task_of(handle) is not None]
        if not places or len(batch) == 1:
            return ready
        ready.clear()
        steps = [batch[place] for place in places]
        self._order_rng.shuffle(steps)
        held: set[int] = set()
        for place, step in zip(places, steps, strict=True):
            batch[place] = step
            if self._order_rng.random() < DEFER:
                held.add(place)
                ready.append(step)
        return deque(handle for place, handle in enumerate(batch) if place not in held)

    # Tasks, futures, executors

    def _make_task(self, _: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        self._made += 1
        options["name"] = options.get("name") or f"{_qualname(coro)}#{self._made}"
        task: SimulatedTask[Any] = SimulatedTask(coro, order=self._made, loop=self, **options)
        self.tasks.add(task)
        return task

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
        **options: Any,
    ) -> asyncio.Task[T]:
        """As asyncio's; an unnamed task is called after its coroutine and a number of this run."""
        self._check_closed()
        if context is not None:
            options["context"] = context
        label = None if name is None else str(name)
        task: asyncio.Task[T] = self._make_task(self, coro, name=label, **options)
        return task

    def create_future(self) -> asyncio.Future[Any]:
        self._made += 1
        return SimulatedFuture(order=self._made, loop=self)

    def run_in_executor(
        self, executor: Any, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run `func` in the loop after a seeded delay, whatever the executor.

        Cancelled before that, it runs or not, by the seed: a real pool may have begun already.
        """
        self._check_closed()
        future: asyncio.Future[T] = self.create_future()

        def work() -> None:
            if future.cancelled() and self._executor_rng.random() < 0.5:
                return
            try:
                result = func(*args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                if not future.cancelled():
                    future.set_exception(error)
                return
            if not future.cancelled():
                future.set_result(result)

        self.call_later(self._executor_rng.uniform(*self._executor_delay), work)
        return future

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """`call_soon`; from another thread it raises `RealIO`, for no seed orders threads."""
        if self._thread_id not in (None, threading.get_ident()):
            raise RealIO("call_soon_threadsafe() from a real thread; the simulation has none")
        return self.call_soon(callback, *args, context=context)

    # The end of a run

    def wind_up(self) -> None:
        """Cancel what is left, wait for it, close the loop; problems are added to `errors`."""
        self.bound(max_turns=CLEANUP_TURNS, max_time=CLEANUP_TIME)
        try:
            while pending := self._pending():
                for task in pending:
                    task.cancel()
                self.run_until_complete(asyncio.wait(pending))
            self.run_until_complete(self.shutdown_asyncgens())
        except SimulationError as error:
            self.errors.append({"message": "tasks outlive their cancellation", "exception": error})
        finally:
            for task in sorted(self.tasks, key=lambda task: task.order):
                if task.done() and not task.cancelled() and task.unretrieved:
                    message = f"task {task.get_name()} failed unheard"
                    self.errors.append({"message": message, "exception": task.exception()})
            self.close()

    def close(self) -> None:
        super().close()
        self._timers.clear()

    def _pending(self) -> list[SimulatedTask[Any]]:
        return sorted((task for task in self.tasks if not task.done()), key=lambda t: t.order)

    def _waiting(self) -> str:
        lines = [f"  {task.get_name()} waits {_where(task)}" for task in self._pending()[:50]]
        return "pending tasks:\n" + ("\n".join(lines) or "  none")


for _name in REAL:
    setattr(SimulatedLoop, _name, _refused(_name))


def run(main: Callable[[], Coroutine[Any, Any, T]], seed: int, **options: Any) -> T:
    """Run `main()` on a `SimulatedLoop(seed, **options)` to its end and return its result.

    What `main` left running is cancelled. Raises what `main` raises, `Deadlock`, `Stuck`,
    `RealIO`, or `Swallowed` if an exception reached nobody; each carries a note that says how to
    replay the seed.
    """
    with replayable(seed):
        loop = SimulatedLoop(seed, **options)
        try:
            result = loop.run_until_complete(main())
        except BaseException as error:
            loop.wind_up()
            if loop.errors:
                error.add_note(str(Swallowed(loop.errors)))
            raise
        loop.wind_up()
        if loop.errors:
            raise Swallowed(loop.errors)
        return result


def _task_of(handle: asyncio.Handle) -> asyncio.Task[Any] | None:
    """The task whose step this is; asyncio itself tells its tasks' steps by `__self__`."""
    owner = getattr(getattr(handle, "_callback", None), "__self__", None)
    return owner if isinstance(owner, asyncio.Task) else None


def _qualname(thing: object) -> str:
    return str(getattr(thing, "__qualname__", type(thing).__qualname__))


def _where(task: asyncio.Task[Any]) -> str:
    """The line at which the innermost coroutine of `task` outside asyncio waits."""
    found = "to be started or in foreign code"
    step: Any = task.get_coro()
    while isinstance(step, CoroutineType):
        frame = step.cr_frame
        if frame is not None and step.cr_await is not None:
            place = f"{frame.f_code.co_filename}:{frame.f_lineno} in {_qualname(step)}"
            found = found if ASYNCIO in place else f"at {place}"
        step = step.cr_await
    return found
