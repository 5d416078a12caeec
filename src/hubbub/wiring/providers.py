"""Identity providers: from the settings to what signs people in with them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hubbub.config import Config
from hubbub.domain.provider import NotSignedIn, Provider
from hubbub.observe import Log
from hubbub.ports import Unavailable

if TYPE_CHECKING:
    from hubbub.adapters.issuers.providers import IdentityProviders


def identity_providers(config: Config, log: Log) -> "IdentityProviders | None":
    """Those that people may sign in with; None where there are none, and nothing is loaded for it.

    Raises Unavailable, whose text says what to do about a secret that cannot be read.
    """
    if not config.oidc:
        return None
    from hubbub.adapters.issuers.providers import IdentityProviders, OneProvider

    return IdentityProviders(
        {
            name: OneProvider(told, client_secret(name, told), _teller(name, log))
            for name, told in config.oidc.items()
        }
    )


def client_secret(name: str, told: Provider) -> str:
    """The secret of this server with a provider. Raises Unavailable."""
    if not told.client_secret_file:
        return told.client_secret
    try:
        secret = Path(told.client_secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"oidc.{name}.client_secret_file: {told.client_secret_file} cannot be read: {error}."
        ) from None
    if not secret:
        raise Unavailable(f"oidc.{name}.client_secret_file: {told.client_secret_file} is empty.")
    return secret


def _teller(name: str, log: Log) -> Callable[[str | None], None]:
    def tell(wrong: str | None) -> None:
        if wrong is None:
            log.info("provider found", provider=name)
        else:
            log.warning("provider not found", provider=name, reason=wrong)

    return tell


def not_signed_in(log: Log) -> Callable[[str, NotSignedIn], None]:
    """Tells the operator why somebody was not signed in; loudly, where it is his to mend."""
    tellers = {"unavailable": log.warning, "failed": log.warning, "rate_limited": log.debug}

    def tell(name: str, why: NotSignedIn) -> None:
        teller = tellers.get(why.failure, log.info)
        teller("not signed in", provider=name, failure=why.failure, reason=why.reason)

    return tell
