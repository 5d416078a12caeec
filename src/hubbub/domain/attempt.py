"""What ties the steps of a sign-in with a provider to each other, and to one browser.

Nothing is stored between the steps, so each may be served by another process, and nobody can fill
a memory by beginning. The browser keeps a random value in a cookie; with that value and the
server's key, a state proves that this browser began the attempt, and nonce and PKCE verifier are
found again. They are in no cookie: who reads it cannot redeem a code.
"""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

from msgspec import Struct

LIFE_MS: Final = 15 * 60_000
"""For as long somebody may take at the provider."""
_BROWSER: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_STATE: Final = re.compile(r"([0-9]{1,15})\.([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})")


class Attempt(Struct, frozen=True):
    """One way to the provider and back (RFC 6749, RFC 7636, OpenID Connect Core)."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """The S256 code challenge of the verifier."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


def new_browser() -> str:
    """A value by which a browser is known again."""
    return secrets.token_urlsafe(32)


def known_browser(value: str | None) -> str | None:
    """A value that can be one of ours."""
    return value if value and _BROWSER.fullmatch(value) else None


class Seal:
    """Begins attempts and knows them again, by the server's key."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"hubbub: sign-in with providers", "sha256")

    def begin(self, provider: str, browser: str, now: int) -> Attempt:
        """A new attempt of this browser; `now` is Unix ms."""
        return self._attempt(provider, browser, now, secrets.token_urlsafe(16))

    def resume(self, provider: str, browser: str, state: str, now: int) -> Attempt | None:
        """The attempt that this browser began with this provider; None where it is not, or over."""
        parts = _STATE.fullmatch(state)
        if parts is None:
            return None
        attempt = self._attempt(provider, browser, int(parts[1]), parts[2])
        good = hmac.compare_digest(attempt.state, state)
        return attempt if good and now - int(parts[1]) <= LIFE_MS else None

    def ticket(self, browser: str, code: str) -> str:
        """What the code stands for in this browser, and in no other."""
        return self._derive("ticket", code, browser)

    def _attempt(self, provider: str, browser: str, began: int, chance: str) -> Attempt:
        of = (provider, str(began), chance, browser)
        state = f"{began}.{chance}.{self._derive('state', *of)}"
        return Attempt(state, self._derive("nonce", *of), self._derive("verifier", *of))

    def _derive(self, *parts: str) -> str:
        # No part but the last can hold a line break, so two lists never are one text.
        text = "\n".join(parts).encode("utf-8", "surrogatepass")
        return _text(hmac.digest(self._key, text, "sha256"))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
