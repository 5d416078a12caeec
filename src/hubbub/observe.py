"""What an operator sees: Prometheus metrics, collected when asked for, and JSON logs.

Nothing is counted a message here: the parts of the message path count per batch in plain
integers, and this reads them. No log or metric ever holds content, a token or a query string.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, Protocol

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from hubbub.delivery.bus import Bus
from hubbub.delivery.fanout import Fanout
from hubbub.delivery.hub import Hub
from hubbub.delivery.recent import Recent
from hubbub.delivery.relay import Relay
from hubbub.delivery.replay import Replays
from hubbub.domain.latency import LATENCY_BUCKETS
from hubbub.ingest import Ingest

DAY: Final = 86_400
GAUGES: Final = {
    "connections": "Open WebSockets.",
    "connections_limit": "WebSockets that may be open.",
    "connections_pending": "Sockets whose first request is not there yet.",
    "users_online": "Users of whom a connection is open.",
    "store_restarts": "Times the store's process was started again.",
    "database_up": "Whether PostgreSQL answers.",
    "replica_up": "Whether the replica follows closely enough to be read.",
    "replica_used": "Pages of history that came from the replica.",
    "replica_behind": "Pages that came from the primary, since the replica had not got all yet.",
    "valkey_up": "Whether Valkey answers, and keeps what this server has placed.",
    "node_number": "What the ids that this server makes carry.",
    "node_lease_seconds": "For so long it may make ids, unless it renews the lease.",
    "clock_skew_seconds": "By how much its clock is ahead of the database's.",
}


class MessagePath(Collector):
    """The figures of ingest and delivery."""

    def __init__(
        self,
        ingest: Ingest,
        hub: Hub,
        relay: Relay,
        fanout: Fanout,
        replays: Replays,
    ) -> None:
        self._ingest = ingest
        self._hub = hub
        self._relay = relay
        self._fanout = fanout
        self._replays = replays

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's callback."""
        ingest = self._ingest.statistics
        yield _counter("accepted", "Changes taken into the queue.", ingest.accepted)
        yield _counter("stored", "Changes committed.", ingest.committed)
        yield _counter("acked", "Changes answered after their commit.", ingest.committed)
        yield _counter("commits", "Transactions of the message path.", ingest.batches)
        yield _counter("commit_failures", "Transactions that failed.", ingest.failures)
        yield _counter("commit_repeats", "Repeated: the outcome was unknown.", ingest.repeats)
        delivered = self._relay.statistics.deliveries + self._fanout.deliveries
        yield _counter("delivered", "Messages handed to connections.", delivered)
        yield _counter("frames", "Frames written.", self._hub.statistics.frames)
        yield _counter("slow_readers", "Times a connection stopped taking.", self._blocked())
        yield _counter("gap_repairs", "Logs re-read after a hole.", self._replays.repairs)
        yield _counter("resumes", "Connections that resumed.", self._replays.resumes)
        yield _counter(
            "bus_holes", "Positions that the bus had lost.", self._relay.statistics.holes
        )
        yield _gauge("queue_depth", "Changes that wait.", self._ingest.depth)
        yield _gauge("queue_capacity", "Changes that may wait.", self._ingest.capacity)
        yield _gauge("fanout_depth", "Large fan-outs under way.", self._fanout.depth)
        yield _by_label("refused", "Changes refused.", "code", ingest.refused)
        yield _latency(
            "accept_to_delivery_seconds",
            "From the queue to the connections.",
            ingest.latency,
            ingest.latency_sum,
        )

    def _blocked(self) -> int:
        return self._hub.statistics.blocked


class BusFigures(Collector):
    """What goes to other servers, and comes from them."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's callback."""
        bus = self._bus.statistics
        yield _counter("bus_sent", "Letters to other servers.", bus.sent)
        yield _counter("bus_sent_bytes", "Bytes of these letters.", bus.bytes)
        yield _counter("bus_unsent", "Times that news could not be sent.", bus.unsent)
        yield _counter("bus_received", "Letters from other servers.", bus.received)
        yield _counter("bus_lost", "Letters from other servers that did not come.", bus.lost)
        yield _gauge("bus_depth", "Events that wait to be sent.", self._bus.depth)
        yield _by_label("catch_ups", "Times that all was looked at again.", "why", bus.catch_ups)
        yield _latency(
            "bus_seconds", "From the commit to a letter on its way.", bus.latency, bus.latency_sum
        )


class RecentFigures(Collector):
    """What is kept for the time when the store is away."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's callback."""
        recent = self._recent.statistics
        yield _gauge("recent_chats", "Chats that can be read without a store.", len(self._recent))
        yield _gauge("recent_bytes", "Memory that they take, about.", self._recent.bytes)
        yield _counter("recent_loaded", "Times that such a chat was read.", recent.loaded)
        yield _counter("recent_served", "Reads while the store was away.", recent.served)


class Gauges(Collector):
    """Figures that are read when they are asked for, by name."""

    def __init__(self, read: Callable[[], Mapping[str, float]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's callback."""
        for name, value in self._read().items():
            yield _gauge(name, GAUGES[name], value)


def _by_label(name: str, text: str, label: str, counts: Mapping[Any, int]) -> Metric:
    family = CounterMetricFamily(f"hubbub_{name}", text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _latency(name: str, text: str, counts: Sequence[int], seconds: float) -> Metric:
    """By LATENCY_BUCKETS."""
    bounds = [*map(str, LATENCY_BUCKETS), "+Inf"]
    family = HistogramMetricFamily(f"hubbub_{name}", text)
    family.add_metric([], list(zip(bounds, accumulate(counts), strict=True)), seconds)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"hubbub_{name}", text, value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"hubbub_{name}", text, value)


class RestFigures(Collector):
    """A Watch of the REST edge: answers by operation and status; faults go to the log."""

    def __init__(self, log: "Log") -> None:
        self._log = log
        self._answers: dict[tuple[str, int], int] = {}
        self._seconds: dict[str, float] = {}

    def answered(self, operation: str, status: int, seconds: float, request_id: str) -> None:
        """See Watch."""
        key = (operation, status)
        self._answers[key] = self._answers.get(key, 0) + 1
        self._seconds[operation] = self._seconds.get(operation, 0.0) + seconds
        self._log.debug(
            "answered", operation=operation, status=status, seconds=seconds, request_id=request_id
        )

    def failed(self, operation: str, request_id: str, error: BaseException) -> None:
        """See Watch. The error's text may hold what a user wrote, so only its type is logged."""
        self._log.error(
            "failed",
            operation=operation,
            request_id=request_id,
            error=type(error).__name__,
            where=_where(error),
        )

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's callback."""
        answers = CounterMetricFamily(
            "hubbub_http_answers", "REST answers.", labels=["operation", "status"]
        )
        for (operation, status), count in self._answers.items():
            answers.add_metric([operation, str(status)], count)
        seconds = CounterMetricFamily(
            "hubbub_http_seconds", "Time spent on REST answers.", labels=["operation"]
        )
        for operation, spent in self._seconds.items():
            seconds.add_metric([operation], spent)
        yield answers
        yield seconds


class Leader(Protocol):
    """What is done for the store by one process of all."""

    @property
    def leads(self) -> bool:
        """Whether it is this one."""
        ...

    @property
    def done_day(self) -> int:
        """The last Unix day for which it has done all; 0: none."""
        ...


class RoleFigures(Collector):
    """What this process is there for. `chores` None: it does none."""

    def __init__(self, role: str, chores: Leader | None) -> None:
        self._role = role
        self._chores = chores

    def about(self) -> dict[str, object]:
        """The same in words."""
        leads = {} if self._chores is None else {"leads": self._chores.leads}
        return {"role": self._role, **leads}

    def collect(self) -> Iterable[Metric]:
        """prometheus_client's callback."""
        role = GaugeMetricFamily("hubbub_role", "What this process does.", labels=["role"])
        role.add_metric([self._role], 1)
        yield role
        if self._chores is not None:
            yield _gauge("chores_leads", "Whether it does the chores.", self._chores.leads)
            done = self._chores.done_day * DAY
            yield _gauge("chores_done_seconds", "The day up to which it has done all.", done)


def process_figures(store_pid: Callable[[], int]) -> tuple[Collector, Collector]:
    """Memory, processor time and open files of the server and of its store, where /proc tells."""
    return (
        ProcessCollector(registry=None),
        ProcessCollector("hubbub_store", pid=store_pid, registry=None),
    )


def _where(error: BaseException) -> str:
    """File and line of the innermost frame: places in our code, never values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


class Log:
    """Structured lines on standard error."""

    def __init__(self, level: str, form: str) -> None:
        renderer: Any = (
            structlog.processors.JSONRenderer()
            if form == "json"
            else structlog.dev.ConsoleRenderer()
        )
        logger: Any = structlog.wrap_logger(
            structlog.PrintLogger(sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                renderer,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(
                getattr(logging, level.upper(), logging.INFO)
            ),
        )
        self._logger = logger

    def take_over(self) -> None:
        """From now on libraries' warnings and errors are lines of this log, too."""
        logging.root.handlers = [LibraryLines(self)]

    def debug(self, event: str, **fields: object) -> None:
        """For whoever looks for a cause."""
        self._logger.debug(event, **fields)

    def info(self, event: str, **fields: object) -> None:
        """Worth knowing."""
        self._logger.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """Worth looking at."""
        self._logger.warning(event, **fields)

    def error(self, event: str, **fields: object) -> None:
        """A fault."""
        self._logger.error(event, **fields)


class LibraryLines(logging.Handler):
    """What libraries log, in our own form: where it comes from and what kind of fault it is.

    Their sentences are written without what they were filled with, which may be what a user wrote.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """logging's callback."""
        write = self._log.error if record.levelno >= logging.ERROR else self._log.warning
        error = record.exc_info[1] if record.exc_info else None
        told = {} if error is None else {"error": type(error).__name__, "where": _where(error)}
        write("library", logger=record.name, says=_says(record), **told)


def _says(record: logging.LogRecord) -> str:
    """Of a library the sentence in its code; of one made up on the way, the first line.

    asyncio's first lines are its own ("Task exception was never retrieved"), others hold values.
    """
    if record.name.startswith("hubbub."):
        return record.getMessage()
    return str(record.msg).partition("\n")[0][:120]


class Metrics:
    """The registry, and what it prints."""

    def __init__(self, *collectors: Collector) -> None:
        self._registry = CollectorRegistry()
        for collector in collectors:
            self._registry.register(collector)

    def __call__(self) -> bytes:
        """Prometheus' text format."""
        return generate_latest(self._registry)
