"""Identity providers: whether people can sign in with them."""

import asyncio

from hubbub import config as settings
from hubbub.adapters.issuers.discovery import probe
from hubbub.adapters.issuers.followed import Unfetched
from hubbub.config import Config
from hubbub.domain.provider import Provider
from hubbub.ports import Unavailable
from hubbub.wiring.doctor.check import Check
from hubbub.wiring.providers import client_secret


def provider(config: Config, name: str, told: Provider) -> Check:
    """Whether people can sign in with it, and what it has to know of this server."""
    back = f"{settings.base_url(config, config.server.port)}/api/v1/auth/oidc/{name}/callback"
    label = f"oidc.{name}"
    try:
        client_secret(name, told)
        found = asyncio.run(probe(told.issuer))
    except Unavailable as error:
        return Check(label, "bad", "its secret cannot be read", str(error))
    except Unfetched as error:
        advice = (
            f"{told.issuer}: {error}. Compare oidc.{name}.issuer with what the provider says, and "
            "see whether this machine reaches it (for a CA of your own: SSL_CERT_FILE)."
        )
        return Check(label, "bad", "the provider cannot be used", advice)
    figure = f"{told.issuer}, {len(found.keys)} keys; its redirect URI for this server is {back}"
    if "S256" not in (found.metadata.code_challenge_methods_supported or ("S256",)):
        advice = "It does not say that it knows PKCE with S256. Look for an update of it."
        return Check(label, "warning", figure, advice)
    return Check(label, "ok", figure)
