"""Small drawings for a terminal: bars, curves, sizes, columns."""

import unicodedata
from collections.abc import Iterable
from typing import Final

import click

_EIGHTHS: Final = "▁▂▃▄▅▆▇█"
BAR: Final = 24


def bar(used: float, most: float) -> str:
    """How full something is, with the figures."""
    share = min(1.0, used / most) if most else 0.0
    full = round(share * BAR)
    color = "red" if share > 0.8 else "yellow" if share > 0.5 else "green"
    drawn = click.style("█" * full, fg=color) + click.style("░" * (BAR - full), dim=True)
    return f"{drawn}  {used:,.0f} of {most:,.0f}"


def sparkline(values: Iterable[float], width: int) -> str:
    """The newest values as a curve from zero to their greatest."""
    shown = list(values)[-width:]
    most = max(shown, default=0.0)
    if not most:
        return click.style(_EIGHTHS[0] * len(shown), dim=True)
    steps = (_EIGHTHS[min(7, int(value / most * 7.999))] for value in shown)
    return click.style("".join(steps), fg="cyan")


def bytes_text(count: float) -> str:
    """A size in the unit that fits."""
    for unit in ("bytes", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def duration(seconds: float) -> str:
    """A time span in its two largest units."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def width(text: str) -> int:
    """Columns that a text takes."""
    plain = click.unstyle(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in plain)
    marks = sum(unicodedata.category(letter) in ("Mn", "Me", "Cf") for letter in plain)
    return len(plain) + wide - marks


def pad(text: str, columns: int) -> str:
    """The text in so many columns: filled, or cut with an ellipsis. For texts without styles."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if width(text) > columns:
        while width(text) > columns - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (columns - width(text))
