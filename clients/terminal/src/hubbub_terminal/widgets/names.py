"""The names that complete what is written after an @, above the field."""

from collections.abc import Callable, Iterable

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from hubbub_client import User
from hubbub_terminal.completion import begun, fitting
from hubbub_terminal.plain import fit, line


class Names(OptionList, can_focus=False):
    """Shown while a name is begun that it knows. `people`: whom one may name, by preference."""

    def __init__(self, people: Callable[[], Iterable[User]]) -> None:
        super().__init__(id="names", markup=False)
        self._people = people
        self._found: list[User] = []
        self._refused: str | None = None  # a beginning that is not to be completed

    @property
    def is_open(self) -> bool:
        """Whether there is something to choose."""
        return bool(self._found)

    def look(self, before: str) -> None:
        """What stands before the cursor is another."""
        typed = begun(before)
        if typed is None or typed == self._refused:
            self._show([])
            return
        self._refused = None
        self._show(fitting(self._people(), typed))

    def refuse(self, before: str) -> None:
        """This beginning is a whole name."""
        self._refused = begun(before)
        self._show([])

    def move(self, step: int) -> None:
        """Another one."""
        self.highlighted = ((self.highlighted or 0) + step) % len(self._found)

    def chosen(self) -> str:
        """The name under the cursor."""
        return self._found[self.highlighted or 0].username

    def _show(self, found: list[User]) -> None:
        if found == self._found:
            return
        self._found = found
        self.clear_options()
        for user in found:
            name = fit(line(user.display_name), 24)
            self.add_option(Option(Content.assemble(name, (f" @{line(user.username)}", "dim"))))
        self.highlighted = 0 if found else None
        self.set_class(bool(found), "-shown")
