"""Signing in with an identity provider, step by step (OpenID Connect, RFC 9700).

The browser goes to the provider (`start`), comes back with a code (`finish`), and the page
exchanges another code, our own, for tokens (`exchange`). A value in a cookie that no page can read
ties the three to one browser: what was begun in another one, or is shown twice, is not taken.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from hubbub.actions.enrol import Enrol
from hubbub.actions.grant import Grant
from hubbub.actions.throttle import Throttle
from hubbub.domain.account import Caller
from hubbub.domain.attempt import LIFE_MS, Seal, known_browser, new_browser
from hubbub.domain.provider import NotSignedIn, Provider, refusal, title
from hubbub.ports import Answered, Providers, Unavailable
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused

TICKET_MS: Final = 60_000
"""For so long the page may exchange its code."""
PATH: Final = "/api/v1/auth/oidc"
CANCELLED: Final = frozenset({"access_denied", "login_required", "interaction_required",
                              "consent_required", "account_selection_required"})  # fmt: skip
AWAY: Final = frozenset({"server_error", "temporarily_unavailable"})


class Cookie(Struct, frozen=True):
    """What the browser is to keep, for so many seconds; 0: not any more."""

    name: str
    value: str
    seconds: int
    secure: bool


class Leads(Struct, frozen=True):
    """Where the browser goes on."""

    to: str
    cookie: Cookie | None = None


class FromProvider(Struct, frozen=True):
    """What the provider sends the browser back with. `issuer` may be empty (RFC 9207)."""

    state: str
    code: str
    error: str
    issuer: str


class ProviderSignIn:
    """The steps. `tell` hears why somebody is not signed in, with the provider's name."""

    def __init__(
        self,
        providers: Providers,
        enrol: Enrol,
        grant: Grant,
        seal: Seal,
        throttle: Throttle,
        base_url: Callable[[], str],
        tell: Callable[[str, NotSignedIn], None],
    ) -> None:
        self._providers = providers
        self._enrol = enrol
        self._grant = grant
        self._seal = seal
        self._throttle = throttle
        self._base_url = base_url
        self._tell = tell

    def offered(self) -> list[rest.Provider]:
        """The providers, as the page shows them."""
        base = self._base_url() + PATH
        return [
            rest.Provider(
                name,
                title(name, told),
                f"{base}/{name}/start",
                f"{base}/{name}/logout" if self._way_out(name) else None,
            )
            for name, told in self._providers.told.items()
        ]

    async def start(self, name: str, cookies: Mapping[str, str], caller: Caller) -> Leads:
        """To the provider; where that cannot be, to the page, which says so.

        Raises Refused `not_found`.
        """
        self._provider(name)
        try:
            await self._check("start", caller)
            browser = known_browser(cookies.get(self._cookie_name)) or new_browser()
            attempt = self._seal.begin(name, browser, self._grant.clock.now_ms())
            to = await self._providers.way_in(name, attempt, self._back(name))
        except NotSignedIn as why:
            return self._failed(name, why)
        return Leads(to, self._cookie(browser))

    async def finish(
        self, name: str, reply: FromProvider, cookies: Mapping[str, str], caller: Caller
    ) -> Leads:
        """To the page, with a code for it or with what went wrong.

        Raises Refused `not_found`. Cancelling is safe: the user may then be there.
        """
        provider = self._provider(name)
        try:
            await self._check("finish", caller)
            return await self._finish(name, provider, reply, cookies, caller)
        except NotSignedIn as why:
            return self._failed(name, why)
        except Unavailable:
            return self._failed(name, NotSignedIn("unavailable", "the store does not answer"))

    async def _finish(
        self,
        name: str,
        provider: Provider,
        reply: FromProvider,
        cookies: Mapping[str, str],
        caller: Caller,
    ) -> Leads:
        now = self._grant.clock.now_ms()
        browser = known_browser(cookies.get(self._cookie_name))
        attempt = browser and self._seal.resume(name, browser, reply.state, now)
        if not attempt:
            raise NotSignedIn("stale", "no attempt of this browser is under way with this state")
        if reply.error or not reply.code:
            raise _refused(reply.error)
        answered = Answered(reply.code, reply.issuer, self._back(name), now)
        found = await self._providers.redeem(name, attempt, answered)
        if why := refusal(provider, found):
            raise NotSignedIn("forbidden", f"{why} (subject {found.subject!r})")
        user = await self._enrol(provider, found)
        # With another value in the cookie nothing that was begun with the old one goes on.
        browser, code = new_browser(), secrets.token_urlsafe(24)
        await self._grant.reserve(user, caller, self._seal.ticket(browser, code), TICKET_MS)
        return Leads(self._page({"oidc": code, "provider": name}), self._cookie(browser))

    async def exchange(
        self, asked: rest.Exchange, cookies: Mapping[str, str]
    ) -> tuple[rest.SignedIn, Cookie]:
        """Tokens for the page's code, once, in the browser that signed in.

        Raises Refused `unauthorized`. Not to be cancelled lightly: the code may then be spent.
        """
        browser = known_browser(cookies.get(self._cookie_name))
        ticket = browser and self._seal.ticket(browser, asked.code)
        signed_in = await self._grant.renew(ticket) if ticket else None
        if signed_in is None:
            raise Refused(
                Code.UNAUTHORIZED, "This sign-in was used, is over, or is another browser's."
            )
        return signed_in, self._cookie("", 0)

    def leave(self, name: str) -> Leads:
        """To where people sign out of the provider. Raises Refused `not_found`."""
        self._provider(name)
        to = self._way_out(name)
        if to is None:
            raise Refused(Code.NOT_FOUND, "This provider has no page to sign out on.")
        return Leads(to)

    # ── what the steps share ──

    def _provider(self, name: str) -> Provider:
        if name not in self._providers.told:
            raise Refused(Code.NOT_FOUND, "There is no such provider; /auth/providers lists them.")
        return self._providers.told[name]

    async def _check(self, step: str, caller: Caller) -> None:
        try:
            await self._throttle.check(f"{step} {caller.address}")
        except Refused as refused:
            raise NotSignedIn("rate_limited", refused.message) from None

    def _way_out(self, name: str) -> str | None:
        return self._providers.way_out(name, self._base_url() + "/")

    def _back(self, name: str) -> str:
        return f"{self._base_url()}{PATH}/{name}/callback"

    def _page(self, told: dict[str, str]) -> str:
        # In the fragment, which browsers do not send: so it is in nobody's logs.
        return f"{self._base_url()}/#{urlencode(told)}"

    def _failed(self, name: str, why: NotSignedIn) -> Leads:
        self._tell(name, why)
        return Leads(self._page({"oidc-failed": why.failure, "provider": name}))

    @property
    def _secure(self) -> bool:
        return self._base_url().startswith("https:")

    @property
    def _cookie_name(self) -> str:
        # With this prefix no other host of the domain can set it, nor anybody without TLS.
        return "__Host-hubbub-signin" if self._secure else "hubbub-signin"

    def _cookie(self, value: str, seconds: int = LIFE_MS // 1000) -> Cookie:
        return Cookie(self._cookie_name, value, seconds, self._secure)


def _refused(error: str) -> NotSignedIn:
    """What the provider said instead of a code."""
    if error in CANCELLED:
        return NotSignedIn("cancelled", f"the provider says {error}")
    shown = error if error.isascii() and error.isprintable() and len(error) <= 64 else "something"
    reason = f"the provider says {shown!r} instead of a code"
    return NotSignedIn("unavailable" if error in AWAY else "failed", reason)
