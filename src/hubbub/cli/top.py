"""`hubbub top`: a server's figures, live, as it tells them at /metrics."""

import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from hubbub.cli.common import CONFIG, fail, load
from hubbub.cli.figures import Change, Sample, parse
from hubbub.cli.http import URL, address, ask, reason
from hubbub.cli.screen import bar, bytes_text, duration, pad, sparkline

KEPT: Final = 60
"""Samples that the curves go back."""
LOST: Final = "Network error; retrying"


@click.command()
@URL
@click.option(
    "--every",
    type=click.FloatRange(0.2, 60),
    default=1.0,
    show_default=True,
    help="Seconds between two samples.",
)
@click.option("--once", is_flag=True, help="Measure once, print it, end.")
@CONFIG
def top(file: Path | None, url: str | None, every: float, once: bool) -> None:
    """Show a server's figures, live: rates, latencies, queues, refusals, memory."""
    config = load(file)
    url, token = address(url, config), config.server.metrics_token or None
    view = View(url)
    if once:
        try:
            view.take(fetch(url, token))
            time.sleep(every)
            view.take(fetch(url, token))
        except OSError as error:
            fail(f"{url} does not answer ({reason(error)}). Check --url, and that it runs.")
        click.echo("\n".join(view.lines()))
        return
    try:
        with screen() as draw:
            _watch(view, token, every, draw)
    except KeyboardInterrupt:
        sys.exit(0)


class View:
    """The samples so far, as lines for a terminal."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.lost: str | None = None
        self._sample: Sample | None = None
        self._change: Change | None = None
        self._messages: deque[float] = deque(maxlen=KEPT)
        self._deliveries: deque[float] = deque(maxlen=KEPT)

    def take(self, sample: Sample) -> None:
        """Another sample."""
        self.lost = None
        if self._sample is not None:
            change = self._change = Change(self._sample, sample)
            self._messages.append(change.rate("hubbub_stored_total"))
            self._deliveries.append(change.rate("hubbub_delivered_total"))
        self._sample = sample

    def lines(self) -> list[str]:
        """What there is to see; the last figures stay, dim, while the server does not answer."""
        head = [f" {click.style('Hubbub', bold=True)}  {self.url}   {self._state()}", ""]
        if self._sample is None or self._change is None:
            return [*head, "" if self.lost else " measuring …"]
        body = list(_figures(self._sample, self._change, self._messages, self._deliveries))
        if self.lost:
            body = [click.style(click.unstyle(line), dim=True) for line in body]
        return [*head, *body]

    def _state(self) -> str:
        if self.lost:
            return click.style(f"{LOST} ({self.lost})", fg="red", bold=True)
        if self._sample is None:
            return ""
        began = self._sample.values.get("process_start_time_seconds")
        up = f"up {duration(time.time() - began)}" if began else "up"
        return click.style(up, fg="green")


def _figures(
    now: Sample, change: Change, messages: deque[float], deliveries: deque[float]
) -> Iterator[str]:
    value = now.values
    yield f" Messages     {_rate(messages[-1])}   {sparkline(messages, KEPT // 2)}"
    yield f" Deliveries   {_rate(deliveries[-1])}   {sparkline(deliveries, KEPT // 2)}"
    yield f" Accepted to delivered   {_quantiles(change, 'hubbub_accept_to_delivery_seconds')}"
    yield ""
    for name, used, most in (
        ("Queue", "hubbub_queue_depth", "hubbub_queue_capacity"),
        ("Connections", "hubbub_connections", "hubbub_connections_limit"),
        ("Open files", "process_open_fds", "process_max_fds"),
    ):
        if most in value:
            yield f" {name:12} {bar(value.get(used, 0), value[most])}"
    yield f" {'':12} {value.get('hubbub_connections_pending', 0):,.0f} shaking hands, " + (
        f"{value.get('hubbub_fanout_depth', 0):,.0f} large fan-outs under way"
    )
    if "hubbub_valkey_up" in value:
        yield from _others(value, change)
    yield ""
    yield click.style(f" {'':22}{'now':>12}{'since start':>16}", dim=True)
    for name, metric in (
        ("Slow readers", "hubbub_slow_readers_total"),
        ("Gap repairs", "hubbub_gap_repairs_total"),
        ("Resumes", "hubbub_resumes_total"),
        ("Commits repeated", "hubbub_commit_repeats_total"),
        ("Commits failed", "hubbub_commit_failures_total"),
        ("Store restarts", "hubbub_store_restarts"),
        ("Letters lost", "hubbub_bus_lost_total"),
        ("News unsent", "hubbub_bus_unsent_total"),
    ):
        if metric in value:
            yield _count(name, change.more(metric), value[metric], calm=name == "Resumes")
    for why, total in sorted(now.labelled("hubbub_catch_ups_total", "why").items()):
        if total:
            more = change.labelled("hubbub_catch_ups_total", "why", why)
            yield _count(f"Catch-ups: {why}", more, total, calm=False)
    for code, total in sorted(now.labelled("hubbub_refused_total", "code").items()):
        yield _count(
            f"Refused: {code}",
            change.labelled("hubbub_refused_total", "code", code),
            total,
            calm=False,
        )
    yield ""
    server, store = (value.get(f"{p}process_resident_memory_bytes") for p in ("", "hubbub_store_"))
    if server is not None:
        cpu = change.rate("process_cpu_seconds_total") * 100
        yield f" Server       {bytes_text(server):>10}   {cpu:3.0f} % of a core"
    if store is not None:
        cpu = change.rate("hubbub_store_process_cpu_seconds_total") * 100
        yield f" Store        {bytes_text(store):>10}   {cpu:3.0f} % of a core"


def _others(value: Mapping[str, float], change: Change) -> Iterator[str]:
    """What goes to other servers, and comes from them."""
    number = f"server {value.get('hubbub_node_number', 0):,.0f}"
    for name in ("database", "valkey"):
        up = value.get(f"hubbub_{name}_up", 1)
        word = click.style("reached", fg="green") if up else click.style("AWAY", fg="red")
        number += f"   {name} {word}"
    yield f" {'Cluster':12} {number}"
    sent, received = (change.rate(f"hubbub_bus_{way}_total") for way in ("sent", "received"))
    waiting = value.get("hubbub_bus_depth", 0)
    yield f" {'Letters':12} {sent:,.0f} /s sent, {received:,.0f} /s received, {waiting:,.0f} wait"
    yield f" {'Sent in':12} {_quantiles(change, 'hubbub_bus_seconds')}"


def _quantiles(change: Change, histogram: str) -> str:
    return "   ".join(f"p{q * 100:.0f} {_latency(change, histogram, q)}" for q in (0.5, 0.99))


def _rate(value: float) -> str:
    return click.style(f"{value:>9,.0f} /s", bold=True)


def _latency(change: Change, histogram: str, q: float) -> str:
    found = change.quantile(histogram, q)
    if found is None:
        return click.style("–".rjust(9), dim=True)
    seconds, beyond = found
    text = f"{'> ' if beyond else ''}{seconds * 1000:,.1f} ms".rjust(9)
    return click.style(text, fg="red" if seconds > 1 else "yellow" if seconds > 0.1 else "green")


def _count(name: str, now: float, total: float, *, calm: bool) -> str:
    moved = f"{now:+,.0f}" if now else "·"
    color = "yellow" if now and not calm else None
    return click.style(f" {pad(name, 22)}{moved:>12}{total:>16,.0f}", fg=color)


# ── fetching and drawing ─────────────────────────────────────────────────────────────────────


def fetch(url: str, token: str | None = None) -> Sample:
    """One sample, now; the token is `server.metrics_token`. Raises OSError."""
    status, body = ask(f"{url}/metrics", token)
    if status == 403:
        raise OSError("it wants its server.metrics_token; set HUBBUB_SERVER_METRICS_TOKEN")
    if status != 200:
        raise OSError(f"status {status}")
    try:
        return parse(body.decode("utf-8", "replace"), time.monotonic())
    except ValueError as error:
        raise OSError(f"it is no Hubbub: {error}") from error


def _watch(view: View, token: str | None, every: float, draw: "Draw") -> None:
    due = time.monotonic()
    while True:
        try:
            view.take(fetch(view.url, token))
        except OSError as error:
            view.lost = reason(error)
        draw(view.lines())
        due = max(due + every, time.monotonic())
        time.sleep(due - time.monotonic() if due > time.monotonic() else 0)


class Draw:
    """Puts lines over the ones before. On what is no terminal they follow one another."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()

    def __call__(self, lines: list[str]) -> None:
        """Show these, nothing else."""
        if self._terminal:
            text = "\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J"
        else:
            text = "\n".join([*lines, "", ""])
        click.echo(text, nl=False)


@contextmanager
def screen() -> Iterator[Draw]:
    """A terminal of its own, until the block ends."""
    terminal = sys.stdout.isatty()
    if terminal:
        click.echo("\x1b[?1049h\x1b[?25l", nl=False)
    try:
        yield Draw()
    finally:
        if terminal:
            click.echo("\x1b[?25h\x1b[?1049l", nl=False)
