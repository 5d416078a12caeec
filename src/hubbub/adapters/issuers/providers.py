"""Identity providers: the authorization code flow with PKCE, as its client (OpenID Connect Core).

No secret, code or token is ever in a reason that is raised: those are for the log.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from msgspec import Struct

from hubbub.adapters.issuers.claims import Claims, check_times, unverified, verified
from hubbub.adapters.issuers.discovery import Metadata, Published, discover
from hubbub.adapters.issuers.followed import Followed, Pace, Unfetched, ask, visiting
from hubbub.adapters.issuers.jwks import pick
from hubbub.adapters.issuers.keys import Key
from hubbub.domain.attempt import Attempt
from hubbub.domain.provider import NotSignedIn, Profile, Provider, needed, profile
from hubbub.ports import Answered, Unavailable
from hubbub_protocol.codes import Refused

MAX_ID_TOKEN: Final = 65_536
"""Characters: with hundreds of groups it is long."""
HASHES: Final = {"RS256": "sha256", "ES256": "sha256", "EdDSA": "sha512"}
"""Of at_hash, by the algorithm of the ID token."""
TOKEN_ERRORS: Final = frozenset(
    {"invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type",
     "invalid_scope"}
)  # fmt: skip
PACE: Final = Pace(patience=10.0)

T = TypeVar("T")


class TokenAnswer(Struct):
    """The part of a token response that is needed here."""

    id_token: str
    access_token: str = ""


class TokenError(Struct):
    """The same of an error response (RFC 6749 section 5.2)."""

    error: str = ""


class OneProvider:
    """One provider. `secret` is empty for a public client; `told`: see `Followed`."""

    def __init__(
        self,
        told: Provider,
        secret: str,
        tell: Callable[[str | None], None],
        pace: Pace = PACE,
    ) -> None:
        self.told = told
        self._secret = secret
        self.published = Followed(self._load, tell, pace)

    async def _load(self, http: aiohttp.ClientSession) -> Published:
        return await discover(http, self.told.issuer)

    async def metadata(self) -> Metadata:
        """What it says of itself; may wait for it. Raises NotSignedIn."""
        if self.published.value is None:
            await self.published.renewed()
        if self.published.value is None:
            raise NotSignedIn("unavailable", "its discovery document cannot be had")
        return self.published.value.metadata

    async def find(self, kid: str | None, algorithm: str) -> Key | None:
        """Its key: see `Keys`."""
        key = self._pick(kid, algorithm)
        if key is None:
            await self.published.renewed()
            key = self._pick(kid, algorithm)
        return key

    def _pick(self, kid: str | None, algorithm: str) -> Key | None:
        now = self.published.value
        return None if now is None else pick(now.keys, kid, algorithm)

    async def way_in(self, attempt: Attempt, back: str) -> str:
        """See `Providers`."""
        query = {
            "response_type": "code",
            "client_id": self.told.client_id,
            "redirect_uri": back,
            "scope": " ".join(self.told.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return _with_query((await self.metadata()).authorization_endpoint, query)

    def way_out(self, back: str) -> str | None:
        """See `Providers`. Without a token, which has no place in an address: so it asks first."""
        now = self.published.value
        if now is None or now.metadata.end_session_endpoint is None:
            return None
        query = {"client_id": self.told.client_id, "post_logout_redirect_uri": back}
        return _with_query(now.metadata.end_session_endpoint, query)

    async def redeem(
        self, http: aiohttp.ClientSession, attempt: Attempt, answer: Answered
    ) -> Profile:
        """See `Providers`."""
        metadata = await self.metadata()
        if answer.issuer != metadata.issuer and (
            answer.issuer or metadata.authorization_response_iss_parameter_supported
        ):
            raise NotSignedIn("failed", "the answer names another issuer (RFC 9207)")
        tokens = await self._tokens(http, metadata, attempt, answer)
        claims = await self._claims(tokens, attempt, answer.now)
        if metadata.userinfo_endpoint and any(name not in claims for name in needed(self.told)):
            more = await self._userinfo(http, metadata.userinfo_endpoint, tokens.access_token)
            if more.get("sub") != claims["sub"]:
                raise NotSignedIn("failed", "userinfo speaks of another subject")
            claims = {**more, **claims}
        return profile(self.told, claims)

    # ── tokens ──

    async def _tokens(
        self, http: aiohttp.ClientSession, metadata: Metadata, attempt: Attempt, answer: Answered
    ) -> TokenAnswer:
        form = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": answer.back,
            "code_verifier": attempt.verifier,
        }
        headers = self._authenticate(metadata, form)
        status, body = await _asked(
            ask(http, "POST", metadata.token_endpoint, data=form, headers=headers)
        )
        if status == 200:
            return _decoded(body, TokenAnswer, "the token endpoint's answer has no id_token")
        if status >= 500:
            raise NotSignedIn("unavailable", f"the token endpoint answers HTTP {status}")
        try:
            error = msgspec.json.decode(body, type=TokenError).error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            error = ""
        if error == "invalid_grant":
            raise NotSignedIn("stale", "the provider does not take the code (any more)")
        known = error if error in TOKEN_ERRORS else f"HTTP {status}"
        raise NotSignedIn("failed", f"the token endpoint answers {known}; check the client")

    def _authenticate(self, metadata: Metadata, form: dict[str, str]) -> dict[str, str]:
        """The client's own authentication, as the provider wants it: a header, or in the form."""
        told, secret = self.told, self._secret
        methods = metadata.token_endpoint_auth_methods_supported or ("client_secret_basic",)
        if secret and "client_secret_basic" in methods:
            pair = f"{quote(told.client_id, safe='')}:{quote(secret, safe='')}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        form["client_id"] = told.client_id
        if secret:
            form["client_secret"] = secret
        return {}

    async def _claims(self, tokens: TokenAnswer, attempt: Attempt, now: int) -> Claims:
        """Those of a good ID token (OpenID Connect Core, section 3.1.3.7)."""
        told = self.told
        try:
            _, header = unverified(tokens.id_token, MAX_ID_TOKEN)
            claims = await verified(tokens.id_token, header, self, told.issuer, told.client_id)
            check_times(claims, now, int(told.skew * 1000))
        except Refused as refused:
            raise NotSignedIn("failed", f"ID token: {refused.message}") from None
        except Unavailable as away:
            raise NotSignedIn("unavailable", f"ID token: {away}") from None
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode("utf-8", "surrogatepass"), attempt.nonce.encode()
        ):
            raise NotSignedIn("failed", "ID token: its nonce is not of this attempt")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else told.client_id) != told.client_id:
            raise NotSignedIn("failed", "ID token: its azp is another client")
        if "at_hash" in claims and claims["at_hash"] != _hash(tokens.access_token, header["alg"]):
            raise NotSignedIn("failed", "ID token: its at_hash is not of the access token")
        return claims

    async def _userinfo(self, http: aiohttp.ClientSession, url: str, token: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        status, body = await _asked(ask(http, "GET", url, headers=headers))
        if status != 200:
            reason = f"userinfo answers HTTP {status}"
            raise NotSignedIn("unavailable" if status >= 500 else "failed", reason)
        return _decoded(body, dict[str, Any], "userinfo answers no JSON object")


class IdentityProviders:
    """`Providers`. `run` keeps what they publish fresh; without it none can be reached."""

    def __init__(self, providers: Mapping[str, OneProvider], pace: Pace = PACE) -> None:
        self._providers = providers
        self._pace = pace
        self._http: aiohttp.ClientSession | None = None

    @property
    def told(self) -> Mapping[str, Provider]:
        """See the port."""
        return {name: provider.told for name, provider in self._providers.items()}

    async def run(self) -> None:
        """Follow what the providers publish, until cancelled."""
        async with visiting(self._pace) as http, asyncio.TaskGroup() as group:
            self._http = http
            for provider in self._providers.values():
                group.create_task(provider.published.run(http))

    async def way_in(self, name: str, attempt: Attempt, back: str) -> str:
        """See the port."""
        return await self._providers[name].way_in(attempt, back)

    async def redeem(self, name: str, attempt: Attempt, answer: Answered) -> Profile:
        """See the port."""
        if self._http is None:
            raise NotSignedIn("unavailable", "the server is only just starting")
        return await self._providers[name].redeem(self._http, attempt, answer)

    def way_out(self, name: str, back: str) -> str | None:
        """See the port."""
        return self._providers[name].way_out(back)


async def _asked(answer: Awaitable[tuple[int, bytes]]) -> tuple[int, bytes]:
    try:
        return await answer
    except Unfetched as error:
        raise NotSignedIn("unavailable", f"the provider does not answer: {error}") from None


def _decoded(body: bytes, kind: type[T], otherwise: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotSignedIn("failed", otherwise) from None


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _hash(access_token: str, algorithm: str) -> str:
    """The at_hash of an access token: the left half of its hash."""
    digest = hashlib.new(HASHES[algorithm], access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
