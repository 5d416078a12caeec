"""The messages of the open chat: a list of lines that draws what is in view, and nothing else."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message as Said
from textual.selection import Selection
from textual.strip import Strip

from hubbub_terminal.paint import Block, Row
from hubbub_terminal.plain import width
from hubbub_terminal.widgets.lines import Line, Lines

ROLES: Final = (
    "waiting gone link dim time tick read failed me quote quote-bar quote-name replies reaction "
    "event day new named chosen"
)
PARTS: Final = ("quote", "replies")
"""Roles of what means something when it is pressed."""
NEAR: Final = 12
"""Lines from the edge of what is held at which more is asked for."""


class Messages(Lines):
    """Blocks of lines. It stays at the end while it is there, and else where the reader is."""

    PREFIX: ClassVar[str] = "messages"
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"messages--{role}" for role in ROLES.split()}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", "Choose", show=False),
        Binding("down,j", "choose(1)", "Choose", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("home", "oldest", "Oldest", show=False),
        Binding("end", "to_end", "Newest", show=False),
    ]

    class Near(Said):
        """The reader comes near the edge of what is held."""

        def __init__(self, older: bool) -> None:
            self.older = older
            super().__init__()

    class Moved(Said):
        """The reader is elsewhere: perhaps at the end now."""

    class Chosen(Said):
        """Another message is chosen, or none (""). `part`: `quote` or `replies` was pressed."""

        def __init__(self, key: str, part: str = "") -> None:
            self.key = key
            self.part = part
            super().__init__()

    class Newest(Said):
        """The end of the chat is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self._blocks: Sequence[Block] = ()
        self._starts: list[int] = [0]  # the first line of each block, and the end
        self._index: dict[str, int] = {}
        self._pinned = True
        self.chosen = ""

    # ── what is shown ────────────────────────────────────────────────────────────────────────

    @property
    def columns(self) -> int:
        """Cells that a line has."""
        return self.scrollable_content_region.width or self.size.width

    @property
    def at_end(self) -> bool:
        """Whether the last line is in view."""
        return self._pinned

    def show(self, blocks: Sequence[Block]) -> None:
        """Show these blocks."""
        anchor = self._anchor()
        grown = len(blocks) != len(self._blocks)
        self._blocks = blocks
        self._starts = [0, *accumulate(len(block.rows) for block in blocks)]
        self._index = {block.key: index for index, block in enumerate(blocks) if block.key}
        if self.chosen not in self._index:
            self.chosen = ""
        if grown and self.text_selection is not None:
            self.screen.clear_selection()
        self.virtual_size = Size(self.columns, self._starts[-1])
        self._restore(anchor)
        self.redraw()
        if blocks:
            self._look_around()

    def _anchor(self) -> tuple[str, int] | None:
        """The first message in view, and how far above or below the edge it begins."""
        if self._pinned:
            return None
        top = round(self.scroll_y)
        index = max(0, bisect_right(self._starts, top) - 1)
        for at in range(index, len(self._blocks)):
            if self._blocks[at].key:
                return self._blocks[at].key, self._starts[at] - top
        return None

    def _restore(self, anchor: tuple[str, int] | None) -> None:
        if self._pinned:
            self._scroll(self.max_scroll_y)
        elif anchor is not None and anchor[0] in self._index:
            line = self._starts[self._index[anchor[0]]] - anchor[1]
            self._scroll(line)

    def begin(self, key: str = "") -> None:
        """A chat is opened: at the end, or with the message `key` near the top."""
        self.chosen = ""
        self._pinned = True
        if key in self._index:
            line = self._starts[self._index[key]] - 3
            if line < self.max_scroll_y:
                self._pinned = False
                self._scroll(max(0, line))
                return
        self._scroll(self.max_scroll_y)

    def reveal(self, key: str) -> None:
        """Choose a message and bring it into view."""
        index = self._index.get(key)
        if index is None:
            return
        self._choose(key)
        first, last = self._starts[index], self._starts[index + 1]
        height, top = self.scrollable_content_region.height, round(self.scroll_y)
        if first < top:
            self._scroll(max(0, first - 1))
        elif last > top + height:
            self._scroll(min(first, last - height))

    # ── scrolling ────────────────────────────────────────────────────────────────────────────

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The reader moved."""
        super().watch_scroll_y(old_value, new_value)
        self._pinned = new_value >= self.max_scroll_y - 0.5
        self._look_around()
        self.post_message(self.Moved())

    def _look_around(self) -> None:
        top, height = self.scroll_y, self.scrollable_content_region.height
        if top < NEAR:
            self.post_message(self.Near(older=True))
        if top + height > self._starts[-1] - NEAR:
            self.post_message(self.Near(older=False))

    def _scroll(self, line: int) -> None:
        # By force: what has only just grown has no scrollbar yet, without which nothing scrolls.
        self.scroll_to(y=line, animate=False, force=True)

    # Pages change at once: in between, each line would be drawn many times.

    def action_page_up(self) -> None:
        """A page back."""
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """A page on."""
        self.scroll_page_down(animate=False)

    def action_oldest(self) -> None:
        """To the first message that is held."""
        self._scroll(0)

    def action_to_end(self) -> None:
        """To the newest message."""
        self._choose("")
        self._scroll(self.max_scroll_y)
        self.post_message(self.Newest())

    # ── choosing ─────────────────────────────────────────────────────────────────────────────

    def action_choose(self, step: int) -> None:
        """The message before or after the chosen one; first the last that is in view."""
        if self.chosen in self._index:
            at = self._index[self.chosen] + step
        else:
            bottom = round(self.scroll_y) + self.scrollable_content_region.height - 1
            at = min(len(self._blocks), bisect_right(self._starts, bottom)) - 1
            step = -1
        while 0 <= at < len(self._blocks) and not self._blocks[at].key:
            at += step
        if 0 <= at < len(self._blocks):
            self.reveal(self._blocks[at].key)
        elif step > 0:
            self.action_to_end()
        else:
            self._scroll(0)

    def unchoose(self) -> None:
        """No message is chosen."""
        self._choose("")

    def _choose(self, key: str, part: str = "") -> None:
        if key != self.chosen or part:
            self.chosen = key
            self.redraw()
            self.post_message(self.Chosen(key, part))

    def on_click(self, event: events.Click) -> None:
        """Choose what is pressed."""
        if self.text_selection is not None:
            return
        line = round(self.scroll_y) + event.y
        index = bisect_right(self._starts, line) - 1
        if 0 <= index < len(self._blocks) and self._blocks[index].key:
            row = self._blocks[index].rows[line - self._starts[index]]
            part = next((span.role for span in row if span.role in PARTS), "")
            self._choose(self._blocks[index].key, part)

    def on_blur(self) -> None:
        """Nothing stays chosen while the keys go elsewhere."""
        self.unchoose()

    # ── drawing ──────────────────────────────────────────────────────────────────────────────

    def line(self, y: int) -> Line:
        """A line of a block."""
        at = round(self.scroll_y) + y
        index = bisect_right(self._starts, at) - 1
        if not 0 <= index < len(self._blocks):
            return (), ""
        block = self._blocks[index]
        row = block.rows[at - self._starts[index]]
        return row, "chosen" if row and block.key and block.key == self.chosen else ""

    def render_line(self, y: int) -> Strip:
        """Draw one line, and what is marked of it with the mouse."""
        strip = super().render_line(y)
        at, selection = round(self.scroll_y) + y, self.text_selection
        if selection is not None and (marked := selection.get_span(at)) is not None:
            strip = self._mark(strip, self.line(y)[0], marked)
        return strip.apply_offsets(0, at)

    def _mark(self, strip: Strip, row: Row, marked: tuple[int, int]) -> Strip:
        text = _text(row)
        start, stop = marked
        ends = (width(text[:start]), width(text if stop < 0 else text[:stop]), strip.cell_length)
        parts = list(strip.divide(ends))
        style = self.screen.get_component_rich_style("screen--selection")
        if len(parts) > 1:
            parts[1] = parts[1].apply_style(style)
        return Strip.join(parts)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """What was marked with the mouse."""
        lines = [_text(row) for block in self._blocks for row in block.rows]
        return selection.extract("\n".join(lines)), "\n"


def _text(row: Row) -> str:
    return "".join(span.text for span in row)
