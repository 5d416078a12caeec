"""The part of the table for signing in with identity providers: steps that a browser takes."""

from typing import Final

from hubbub.actions import Actions
from hubbub.actions.provider_sign_in import Cookie, FromProvider, Leads
from hubbub.entry.rest.exchange import Header
from hubbub.entry.rest.queries import ProviderReply
from hubbub.entry.rest.table import Call, Reply, Route
from hubbub_protocol import rest
from hubbub_protocol.codes import Code

SEE_OTHER: Final = 303


async def _list(actions: Actions, call: Call) -> rest.Providers:
    return actions.list_providers()


async def _start(actions: Actions, call: Call) -> Reply:
    name = call.path["provider"]
    return _see(await actions.start_sign_in(name, _cookies(call), call.caller))


async def _finish(actions: Actions, call: Call) -> Reply:
    query: ProviderReply = call.query
    reply = FromProvider(query.state, query.code, query.error, query.iss)
    name = call.path["provider"]
    return _see(await actions.finish_sign_in(name, reply, _cookies(call), call.caller))


async def _exchange(actions: Actions, call: Call) -> Reply:
    signed_in, cookie = await actions.exchange_sign_in(call.body, _cookies(call))
    return Reply(200, signed_in, (_set(cookie),))


async def _leave(actions: Actions, call: Call) -> Reply:
    return _see(actions.sign_out_of_provider(call.path["provider"]))


def _cookies(call: Call) -> dict[str, str]:
    pairs = (each.strip().partition("=") for each in call.headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


def _see(leads: Leads) -> Reply:
    cookie = () if leads.cookie is None else (_set(leads.cookie),)
    return Reply(SEE_OTHER, None, ((b"location", leads.to.encode()), *cookie))


def _set(cookie: Cookie) -> Header:
    # Lax: the provider's page leads here, and what it leads here brings it along.
    parts = [f"{cookie.name}={cookie.value}", "Path=/", f"Max-Age={cookie.seconds}", "HttpOnly"]
    parts += ["SameSite=Lax", *(["Secure"] if cookie.secure else [])]
    return (b"set-cookie", "; ".join(parts).encode())


PROVIDERS: Final = (
    Route(
        method="GET",
        path="/auth/providers",
        operation="list_providers",
        summary="How people get in beside user name and password",
        tag="accounts",
        handler=_list,
        scope="public",
        answer=rest.Providers,
    ),
    Route(
        method="GET",
        path="/auth/oidc/{provider}/start",
        operation="start_sign_in",
        summary="For browsers: to an identity provider, to sign in there",
        tag="accounts",
        handler=_start,
        scope="public",
        status=SEE_OTHER,
        errors=(Code.NOT_FOUND,),
    ),
    Route(
        method="GET",
        path="/auth/oidc/{provider}/callback",
        operation="finish_sign_in",
        summary="For browsers: back from an identity provider, on to the page",
        tag="accounts",
        handler=_finish,
        scope="public",
        query=ProviderReply,
        status=SEE_OTHER,
        errors=(Code.NOT_FOUND,),
    ),
    Route(
        method="POST",
        path="/auth/oidc/exchange",
        operation="exchange_sign_in",
        summary="Exchange the code that the page was opened with for tokens, once",
        tag="accounts",
        handler=_exchange,
        scope="public",
        body=rest.Exchange,
        answer=rest.SignedIn,
        errors=(Code.UNAUTHORIZED,),
    ),
    Route(
        method="GET",
        path="/auth/oidc/{provider}/logout",
        operation="sign_out_of_provider",
        summary="For browsers: to where people sign out of an identity provider",
        tag="accounts",
        handler=_leave,
        scope="public",
        status=SEE_OTHER,
        errors=(Code.NOT_FOUND,),
    ),
)
