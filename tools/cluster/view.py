"""The cluster as lines for a terminal."""

import shutil
import time
from collections.abc import Iterator
from textwrap import wrap
from typing import Final

import click

from hubbub.cli.screen import duration, pad, sparkline
from tools.cluster.books import Books
from tools.cluster.looks import Looks, Told
from tools.cluster.parts import Event, Part, Parts

FIGURES: Final = "{:>8} {:>12} {:>6} {:>6} {:>9} {:>5}".format
HEADINGS: Final = FIGURES("pid", "up", "conns", "msg/s", "p99", "lost")
BESIDE: Final = len(HEADINGS) + 18
"""Columns that a row takes beside what its part tells."""
STARTING: Final = Told("starts", False)
CURVE: Final = 40
LINES: Final = 3
"""Of a note."""


class View:
    """All that there is to see."""

    def __init__(self, parts: Parts, looks: Looks, books: Books) -> None:
        self._parts = parts
        self._looks = looks
        self._books = books
        self._began = time.monotonic()

    def lines(self) -> list[str]:
        """A screen full."""
        size = shutil.get_terminal_size()
        top = [*self._head(size.columns), *self._rows(size.columns), "", *self._figures(), ""]
        notes, keys = list(self._notes(size.columns)), [self._keys()]
        room = size.lines - len(top) - len(notes) - len(keys) - 2
        told = [event_line(event) for event in list(self._parts.events.newest)[-max(1, room) :]]
        return [*top, *notes, *told, *[""] * (room - len(told) + 1), *keys]

    def _head(self, columns: int) -> Iterator[str]:
        up = duration(time.monotonic() - self._began)
        yield f" {click.style('Hubbub', bold=True)}  a cluster on this machine, {up}"
        yield f" {click.style(self._books.link, fg='cyan')}"
        yield ""
        yield click.style(pad("", columns - len(HEADINGS) - 1) + HEADINGS, dim=True)

    def _rows(self, columns: int) -> Iterator[str]:
        for part in self._parts.by_key.values():
            if part.pid is not None:
                yield self._row(part, part.pid(), max(8, columns - BESIDE))

    def _row(self, part: Part, pid: int | None, width: int) -> str:
        told = self._looks.told.get(part.key, STARTING)
        color = "green" if told.well else "yellow" if pid else "red"
        mark = click.style("●" if pid else "○", fg=color)
        state = click.style(
            pad("…" if part.busy else told.text, width), fg=None if told.well else color
        )
        figures = FIGURES(
            pid or "",
            duration(part.up) if pid else "",
            _number(told.connections),
            _number(told.rate, 1),
            _milliseconds(told.p99),
            _number(told.lost),
        )
        return f" {_key(part.key)} {mark} {part.name:9} {state}{figures}"

    def _figures(self) -> Iterator[str]:
        audit, rates = self._books.audit, self._books.rates
        now = click.style(f"{rates[-1] if rates else 0:6.0f} /s", bold=True)
        yield f" Acknowledged {audit.acknowledged:>9,} {now}   {sparkline(rates, CURVE)}"
        waiting, pause = self._books.waiting, _pause(self._books.longest)
        yield f" Waiting      {waiting:>9,}   longest pause since the last fault {pause}"
        wrong = {"lost": audit.lost, "doubled": audit.doubled, "out of order": audit.disordered}
        yield " Promises       " + "   ".join(
            click.style(f"{count} {name}", fg="red" if count else "green", bold=True)
            for name, count in wrong.items()
        )

    def _notes(self, columns: int) -> Iterator[str]:
        """What an operator of it would read, once."""
        for note in dict.fromkeys(told.note for told in self._looks.told.values() if told.note):
            for line in wrap(note, columns - 4)[:LINES]:
                yield click.style(f"  {line}", fg="yellow")
            yield ""

    def _keys(self) -> str:
        parts = self._parts.by_key.values()
        others = "  ".join(f"{_key(part.key)} {part.does}" for part in parts if part.does)
        keys = " ".join(part.key for part in parts if not part.does)
        return f" {_key(keys)} kill or heal  {others}  {_key('q')} end"


def event_line(event: Event) -> str:
    """One thing that happened."""
    at = time.strftime("%H:%M:%S", time.localtime(event.at))
    text = click.style(event.text, fg="yellow" if event.bad else None)
    return f" {click.style(at, dim=True)}  {text}"


def books_line(books: Books) -> str:
    """The books, where there is no terminal."""
    audit = books.audit
    return (
        f"  {audit.acknowledged:,} acknowledged, {books.waiting} waiting, {audit.lost} lost, "
        f"{audit.doubled} doubled, {audit.disordered} out of order; longest pause "
        f"{books.longest:.2f} s"
    )


def _pause(seconds: float) -> str:
    color = "red" if seconds > 15 else "yellow" if seconds > 3 else "green"
    return click.style(f"{seconds:.1f} s", fg=color, bold=True)


def _key(key: str) -> str:
    return click.style(f" {key} ", reverse=True)


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.0f} ms"
