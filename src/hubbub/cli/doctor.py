"""`hubbub doctor`: whether this machine and these settings are fit for a server."""

import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from hubbub.cli.common import CONFIG, fail, load
from hubbub.wiring.doctor import Check, State, diagnose

MARKS: Final[dict[State, tuple[str, str]]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "bad": ("✗", "red"),
}
CODES: Final[dict[State, int]] = {"ok": 0, "warning": 1, "bad": 2}
"""Exit codes, as monitoring plugins have them."""
NAME: Final = 14
"""Columns of the longest name, and a space."""
WIDTH: Final = 100


@click.command()
@click.option("--host", help="As given to `hubbub serve`.")
@click.option("--port", type=int, help="As given to `hubbub serve`.")
@click.option("--data", help="As given to `hubbub serve`.  [default: hubbub-data]")
@CONFIG
@click.option("--tls-cert", help="As given to `hubbub serve`.")
@click.option("--tls-key", help="As given to `hubbub serve`.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
def doctor(file: Path | None, as_json: bool, **given: Any) -> None:
    """Check disk or database, clock, limits, files, port and TLS, and say what to do.

    Exits with the worst: 0 ok, 1 warning, 2 bad. Changes nothing; a server may be running.
    """
    config = load(file, **given)
    checks: list[Check] = []
    try:
        for check in diagnose(config):
            checks.append(check)
            if not as_json:
                click.echo(line(check))
    except OSError as error:
        sentence = f"{error.filename}: {error.strerror}. Run it as the owner of the data."
        fail(sentence, CODES["bad"])
    worst = max((check.state for check in checks), key=CODES.__getitem__)
    if as_json:
        click.echo(msgspec.json.encode({"state": worst, "checks": checks}))
    else:
        click.echo(f"\n{verdict(checks)}")
    sys.exit(CODES[worst])


def line(check: Check) -> str:
    """A check as a line of the table, and what to do below it."""
    mark, color = MARKS[check.state]
    lines = [f"{click.style(f' {mark}', fg=color, bold=True)} {check.name:{NAME}}{check.figure}"]
    indent = " " * (NAME + 3)
    width = min(WIDTH, shutil.get_terminal_size().columns)
    advice = textwrap.wrap(
        check.advice, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False
    )
    return "\n".join([*lines, *(click.style(part, fg=color) for part in advice)])


def verdict(checks: list[Check]) -> str:
    """How many of each, in a sentence."""
    bad = sum(check.state == "bad" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    if not bad and not warnings:
        return click.style(f"All {len(checks)} checks are ok.", fg="green")
    parts = [f"{len(checks) - bad - warnings} ok"]
    if warnings:
        parts.append(click.style(f"{warnings} to look at", fg="yellow"))
    if bad:
        parts.append(click.style(f"{bad} to mend before it serves", fg="red"))
    return ", ".join(parts) + "."
