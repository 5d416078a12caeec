"""`python -m tools.cluster.picture`: the picture of docs/operate/cluster.md, taken of a real one.

Its primary was killed a moment ago. Run it when the view has changed.
"""

import asyncio
import io
import os
import re
from typing import Final

from rich.console import Console
from rich.text import Text

from tools.cluster.living import Processes, living, processes
from tools.cluster.view import View
from tools.docs.pages import ROOT

SIZE: Final = {"COLUMNS": "112", "LINES": "28"}
TARGET: Final = ROOT / "docs" / "operate" / "cluster.svg"
TALK: Final = 45.0
"""Seconds of talk before."""


async def take(running: Processes) -> list[str]:
    """What is to be seen."""
    async with living(running, 20.0) as (parts, looks, books):
        view = View(parts, looks, books)
        for key in ("2", "2", "p"):
            view.lines()  # who is there from when on
            await asyncio.sleep(TALK / 3)
            await parts.press(key)
        await asyncio.sleep(2)
        await looks.once()
        lines = view.lines()
        await parts.mend()
        await books.close()
        return lines


def main() -> None:
    """Write the picture."""
    os.environ.update(SIZE)
    with processes() as running:
        lines = asyncio.run(take(running))
    text = re.sub(r"signin=[\w-]+", "signin=…", "\n".join(lines))
    console = Console(record=True, width=int(SIZE["COLUMNS"]), file=io.StringIO())
    console.print(Text.from_ansi(text))
    TARGET.write_text(console.export_svg(title="make cluster"), "utf-8")


if __name__ == "__main__":
    main()
