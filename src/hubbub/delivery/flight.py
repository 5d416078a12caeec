"""Whether anything committed is still on its way to the connections."""

from collections.abc import Callable


class Flight:
    """Commits being announced, and large fan-outs under way.

    A replay reads the store, so it may hand out positions that a live frame brings again a
    moment later. While something is in flight, readers compare positions; once all has landed
    they need not, so that an idle connection keeps nothing per chat. `exact` is False for a bus
    that may delay: then they compare for ever.
    """

    def __init__(self, exact: bool = True) -> None:
        self.exact = exact
        self.committing = False
        self.fanouts = 0
        self.on_landed: Callable[[], None] = lambda: None

    @property
    def landed(self) -> bool:
        """Nothing is on its way."""
        return self.exact and not self.committing and not self.fanouts

    def check(self) -> None:
        """Something ended; if it was the last, tell the readers."""
        if self.landed:
            self.on_landed()
