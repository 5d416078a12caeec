"""Text of others, made safe to show: no escapes, no tricks with direction, widths that hold.

Everything that a server or another user says passes here before it is drawn. What terminals
disagree about is left out, since one cell too many moves the rest of a line: sequences that join
several emoji are shown as these emoji, and skin tones and variants as the emoji itself.
"""

import unicodedata
from typing import Final

from rich.cells import cell_len, split_graphemes

MARKS: Final = 4
"""Accents on one letter that are kept: more belong to no script."""
TAB: Final = "    "
ELLIPSIS: Final = "…"
UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"

_JOINS_NOTHING: Final = "\N{ZERO WIDTH NON-JOINER}"  # Persian is spelt with it
_TONES: Final = range(0x1F3FB, 0x1F400)
_VARIANTS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


def plain(text: str) -> str:
    """The text with its lines, and nothing in it but letters, marks and spaces."""
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for letter in text.replace("\r\n", "\n").replace("\t", TAB):
        shown = _shown(letter)
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= MARKS:
            kept.append(shown)
    return "".join(kept)


def _shown(letter: str) -> str:
    if letter == "\n" or letter.isprintable():
        code = ord(letter)
        hidden = code in _TONES or any(code in variants for variants in _VARIANTS)
        return "" if hidden else letter
    match unicodedata.category(letter):
        case "Zl" | "Zp":
            return "\n"
        case "Zs":
            return " "
        case "Co" | "Cn" | "Cs":
            return UNKNOWN
        case _:
            return letter if letter == _JOINS_NOTHING else ""


def harmless(text: str) -> str:
    """The text as it was written, without what speaks to terminals: for a field to edit it in."""
    return "".join(each for each in text if each in "\n\t" or unicodedata.category(each) != "Cc")


def line(text: str) -> str:
    """The text in one line, for names, titles and previews."""
    return " ".join(plain(text).split())


def width(text: str) -> int:
    """Cells that a plain text takes."""
    return cell_len(text)


def cut(text: str, cells: int) -> str:
    """The beginning of a plain line that fits, with an ellipsis where something is left out."""
    if width(text) <= cells:
        return text
    if cells < 1:
        return ""
    spans, _ = split_graphemes(text)
    end, used = 0, 0
    for _start, stop, size in spans:
        if used + size > cells - 1:
            break
        end, used = stop, used + size
    return text[:end].rstrip() + ELLIPSIS


def fit(text: str, cells: int) -> str:
    """A plain line in exactly so many cells."""
    shown = cut(text, cells)
    return shown + " " * (cells - width(shown))


def wrap(text: str, cells: int) -> list[str]:
    """A plain text in lines of at most so many cells (2 at least), broken between words."""
    return [part for each in text.split("\n") for part in _wrap_line(each, cells)]


def _wrap_line(text: str, cells: int) -> list[str]:
    if width(text) <= cells:
        return [text]
    lines: list[str] = []
    start = used = 0
    space: int | None = None  # after the last space of the line that is being filled
    for begin, stop, size in split_graphemes(text)[0]:
        while used + size > cells:  # twice where what comes after the space is still too much
            end = begin if space is None or text[begin] == " " else space
            lines.append(text[start:end].rstrip())
            start, space = end, None
            used = width(text[start:begin])
        if lines and start == begin and text[begin] == " ":
            start = stop
            continue
        used += size
        if text[begin] == " ":
            space = stop
    rest = text[start:]
    return [*lines, rest] if rest.strip() or not lines else lines
