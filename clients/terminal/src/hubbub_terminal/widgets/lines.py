"""A list that draws only the lines in view, and again only those that are others by now."""

from functools import cache
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip

from hubbub_terminal.paint import NAMES, Row

Line = tuple[Row, str]
"""Pieces of text, and the role of what is under the whole line, or ""."""


class Lines(ScrollView, can_focus=True):
    """`PREFIX` and a role are the name of a component class; the role `text` has no style."""

    PREFIX: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self._by_role: dict[str, Style] = {}
        self._base: Style | None = None
        self._drawn: dict[int, Line] = {}  # by place in view, as it was drawn last

    def line(self, y: int) -> Line:
        """What is to be seen at a place in view."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw the lines that are others than when they were drawn."""
        for y in range(self.size.height):
            if self._drawn.get(y) != self.line(y):
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        self._drawn[y] = row, under = self.line(y)
        base = self._base = self._base or self.rich_style
        if under:
            base += self.role_style(under)
        strip = Strip([Segment(span.text, base + self.role_style(span.role)) for span in row])
        return strip.adjust_cell_length(self.size.width, base)

    def notify_style_update(self) -> None:
        """Another theme, perhaps."""
        super().notify_style_update()
        self._by_role.clear()
        self._base = None

    def role_style(self, role: str) -> Style:
        """What a role looks like."""
        found = self._by_role.get(role)
        if found is None:
            found = self._by_role[role] = self._find(role)
        return found

    def _find(self, role: str) -> Style:
        if role == "text":
            return Style.null()
        if role.startswith("name-"):
            return name_style(role, self.app.current_theme.dark)
        styles = self.get_component_styles(f"{self.PREFIX}--{role}")
        under = self.background_colors[1]
        style = styles.text_style
        if styles.has_rule("background"):
            under = under + styles.background
            style += Style(bgcolor=under.rich_color)
        if styles.has_rule("color"):
            style += Style(color=(under + styles.color).rich_color)
        return style


@cache
def name_style(role: str, dark: bool) -> Style:
    """The colour of a name: as many hues as there are roles, legible on dark and on light."""
    hue = int(role.removeprefix("name-")) / NAMES
    color = Color.from_hsl(hue, 0.55 if dark else 0.70, 0.70 if dark else 0.33)
    return Style(color=color.rich_color, bold=True)
