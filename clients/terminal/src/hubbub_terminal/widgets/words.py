"""A few words that change: drawn again only when they are others."""

from textual.content import Content
from textual.widgets import Static


class Words(Static):
    """A static text of plain content. `tall`: as high as it needs, and not of a fixed height."""

    def __init__(self, words: str = "", *, id: str, tall: bool = False) -> None:  # noqa: A002
        super().__init__(Content(words), id=id, markup=False)
        self._tall = tall
        self._said = Content(words)

    def say(self, content: Content) -> None:
        """Show this text; the one that is shown costs nothing."""
        if not self._said.is_same(content):
            self._said = content
            self.update(content, layout=self._tall)
