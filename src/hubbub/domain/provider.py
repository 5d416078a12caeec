"""An identity provider (OpenID Connect) that people sign in with, as the operator describes it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from hubbub.domain.credentials import MAX_SUBJECT
from hubbub.domain.issuer import NAME, is_safe, plain_text

Failure = Literal["unavailable", "cancelled", "stale", "failed", "forbidden", "rate_limited"]
"""Why somebody is not signed in, as the person is told: the provider or this server is away; the
person did not go through with it; it is over, or another browser's; what the provider answered
cannot be taken; the account may not come in; too many tries."""
GOOGLE: Final = "https://accounts.google.com"
MAX_NAME: Final = 100


class NotSignedIn(Exception):
    """A sign-in with a provider ends. The reason is for the operator and holds no secret."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


class Provider(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An identity provider (OpenID Connect) that people sign in with on the page. There, register
    this server with the redirect URI that `hubbub doctor` shows.
    """

    issuer: Annotated[
        str,
        Meta(description="its address, exactly as it says it: /.well-known/openid-configuration "
             "below it tells all the rest."),
    ] = ""  # fmt: skip
    client_id: Annotated[str, Meta(description="what it calls this server.")] = ""
    client_secret: Annotated[
        str,
        Meta(description="the secret that it gave with the client_id; none for a public client, "
             "which PKCE protects alone."),
    ] = ""  # fmt: skip
    client_secret_file: Annotated[
        str, Meta(description="a file with the same, so that no setting is a secret.")
    ] = ""
    title: Annotated[
        str, Meta(description="how people know it: the button says Sign in with …; else its name.")
    ] = ""
    scopes: Annotated[
        tuple[str, ...],
        Meta(description='what it is asked for, openid at least; some need "groups" here.'),
    ] = ("openid", "profile", "email")
    username_claim: Annotated[
        str, Meta(description="the claim that a new user's user name is made from.")
    ] = "preferred_username"
    name_claim: Annotated[
        str, Meta(description="the claim with the display name, which follows it at each sign-in.")
    ] = "name"
    groups_claim: Annotated[
        str, Meta(description="the claim with somebody's groups or roles, a list.")
    ] = "groups"
    allowed_domains: Annotated[
        tuple[str, ...],
        Meta(description="whose verified mail address is of one of these domains may come in; "
             "everybody whom the provider knows where there are none."),
    ] = ()  # fmt: skip
    allowed_groups: Annotated[
        tuple[str, ...], Meta(description="who is in one of these groups may come in.")
    ] = ()
    admin_group: Annotated[
        str, Meta(description="who is in this group is an admin here, as of each sign-in.")
    ] = ""
    create_users: Annotated[
        bool,
        Meta(description="false to let in only whom `hubbub admin identity link` has named."),
    ] = True
    skew: Annotated[
        Annotated[float, Meta(ge=0, le=600)],
        Meta(description="seconds by which its clock and this one may differ."),
    ] = 30.0


class Profile(Struct, frozen=True):
    """Who signed in, as a provider says it; `issuer` and `subject` are the identity.

    `username` and `name` are empty where it does not say. `domain`: of the verified mail address.
    """

    issuer: str
    subject: str
    username: str
    name: str
    domain: str
    groups: tuple[str, ...]


def wrong(name: str, provider: Provider) -> str | None:
    """What cannot be in this description, with what to do; None where it can be used."""
    at = f"oidc.{name}"
    if not NAME.fullmatch(name):
        return f"{at}: the name of a provider is 1 to 32 of a-z and 0-9, and begins with a letter."
    if not provider.issuer or not provider.client_id:
        return f"{at} needs issuer and client_id."
    if not is_safe(provider.issuer):
        return (
            f"{at}.issuer begins with https://; http:// is for this machine and for hosts of the "
            "same network, whose names have no dot."
        )
    if provider.client_secret and provider.client_secret_file:
        return f"{at} needs client_secret or client_secret_file, not both."
    if "openid" not in provider.scopes:
        return f"{at}.scopes needs openid: without it nobody's identity is told."
    return None


def title(name: str, provider: Provider) -> str:
    """How people know it."""
    return provider.title or name.capitalize()


def needed(provider: Provider) -> list[str]:
    """Claims without which the provider is asked once more (its userinfo)."""
    claims = [provider.username_claim, provider.name_claim]
    if provider.allowed_domains:
        claims += ["email", "email_verified"]
    if provider.allowed_groups or provider.admin_group:
        claims.append(provider.groups_claim)
    return claims


def profile(provider: Provider, claims: Mapping[str, Any]) -> Profile:
    """Who these verified claims speak of. Raises NotSignedIn where nobody can be named so."""
    subject = claims["sub"]
    bounded = isinstance(subject, str) and 1 <= len(subject) <= MAX_SUBJECT
    if not bounded or not subject.isprintable():
        raise NotSignedIn("failed", "the sub is no text of 1 to 255 characters")
    groups = claims.get(provider.groups_claim)
    listed = groups if isinstance(groups, list) else [groups]
    mail = plain_text(claims.get("email"), 320) or ""
    return Profile(
        issuer=provider.issuer,
        subject=subject,
        username=plain_text(claims.get(provider.username_claim), MAX_NAME)
        or mail.partition("@")[0],
        name=plain_text(claims.get(provider.name_claim), MAX_NAME) or "",
        domain=_domain(provider, claims, mail),
        groups=tuple(group for group in listed if isinstance(group, str)),
    )


def _domain(provider: Provider, claims: Mapping[str, Any], mail: str) -> str:
    if provider.issuer == GOOGLE:  # where anybody may have an account with a company's address
        return (plain_text(claims.get("hd"), 255) or "").lower()
    verified = "@" in mail and claims.get("email_verified") in (True, "true")
    return mail.rpartition("@")[2].lower() if verified else ""


def refusal(provider: Provider, found: Profile) -> str | None:
    """Why this person may not come in, for the operator; None where he may."""
    domains = {domain.lower().lstrip("@") for domain in provider.allowed_domains}
    if domains and found.domain not in domains:
        return "no verified mail address of an allowed domain"
    if provider.allowed_groups and not set(provider.allowed_groups) & set(found.groups):
        return "in none of the allowed groups"
    return None


def is_admin(provider: Provider, found: Profile) -> bool | None:
    """Whether the provider makes him an admin; None where it has no say in that."""
    return provider.admin_group in found.groups if provider.admin_group else None
