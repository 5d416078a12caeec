"""Two themes of our own: calm, dark and light. Textual's others can be chosen, too."""

from typing import Final

from textual.theme import Theme

DARK: Final = Theme(
    name="hubbub-dark",
    primary="#7aa2f7",
    secondary="#9d8cf0",
    accent="#73c991",
    foreground="#d5d9e2",
    background="#14171d",
    surface="#181c23",
    panel="#20252e",
    success="#73c991",
    warning="#e5b567",
    error="#ef7d7d",
    dark=True,
    variables={"footer-key-foreground": "#7aa2f7", "footer-background": "#14171d"},
)
LIGHT: Final = Theme(
    name="hubbub-light",
    primary="#2f5fd0",
    secondary="#6d4fc4",
    accent="#1d7f4e",
    foreground="#22262e",
    background="#f7f7f5",
    surface="#ffffff",
    panel="#ecebe7",
    success="#1d7f4e",
    warning="#8a5a00",
    error="#b3261e",
    dark=False,
    variables={"footer-key-foreground": "#2f5fd0", "footer-background": "#f7f7f5"},
)
