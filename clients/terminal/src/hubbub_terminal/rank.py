"""Finding a chat by a few letters of its name. Pure."""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from hubbub_terminal.chat import Chat
from hubbub_terminal.plain import line


@lru_cache(8_192)
def folded(text: str) -> str:
    """Without case and accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def score(query: str, name: str) -> int:
    """How well a folded name fits a folded query; 0: not at all.

    Its beginning is best, then the beginning of a word, then anywhere, then its letters in order.
    """
    if not query:
        return 1
    if name.startswith(query):
        return 5
    if f" {query}" in name:
        return 4
    if query in name:
        return 3
    words = name.split()
    if "".join(word[0] for word in words).startswith(query):
        return 3
    letters = iter(name)
    return 2 if all(letter in letters for letter in query) else 0


def find(query: str, chats: Sequence[Chat]) -> list[Chat]:
    """The chats that fit, best first; of equals in the order they had."""
    wanted = folded(query).strip().removeprefix("@")
    rated = []
    for chat in chats:
        names = [folded(chat.title)]
        if chat.record.peer is not None:
            names.append(folded(line(chat.record.peer.username)))
        best = max(score(wanted, name) for name in names)
        if best:
            rated.append((best, chat))
    return [chat for _, chat in sorted(rated, key=lambda pair: -pair[0])]
