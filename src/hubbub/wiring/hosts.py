"""Host applications: from the settings to what verifies their tokens."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hubbub.config import Config
from hubbub.domain.issuer import Issuer
from hubbub.observe import Log
from hubbub.ports import Unavailable

if TYPE_CHECKING:
    from hubbub.adapters.issuers.jwks import Keys
    from hubbub.adapters.issuers.tokens import HostApplications


def host_applications(config: Config, log: Log) -> "HostApplications | None":
    """Those whose tokens are taken; None where there are none, and nothing is loaded for it.

    Raises Unavailable, whose text says what to do about a key that cannot be used.
    """
    if not config.issuers:
        return None
    from hubbub.adapters.issuers.tokens import Host, HostApplications

    return HostApplications(
        [Host(name, told, _keys(name, told, log)) for name, told in config.issuers.items()]
    )


def _keys(name: str, told: Issuer, log: Log) -> "Keys":
    from hubbub.adapters.issuers.followed import Pace
    from hubbub.adapters.issuers.jwks import FixedKey, PublishedKeys
    from hubbub.adapters.issuers.keys import BadKey, configured

    if told.jwks_url:
        return PublishedKeys(told.jwks_url, _teller(name, log), Pace())
    assert told.algorithm
    try:
        text = Path(told.key_file).read_bytes() if told.key_file else told.key.encode()
        return FixedKey(configured(told.algorithm, text))
    except OSError as error:
        raise Unavailable(
            f"issuers.{name}.key_file: {told.key_file} cannot be read: {error.strerror}."
        ) from None
    except BadKey as error:
        which = "key_file" if told.key_file else "key"
        raise Unavailable(f"issuers.{name}.{which} cannot be used: {error}.") from None


def _teller(name: str, log: Log) -> Callable[[str | None], None]:
    def tell(wrong: str | None) -> None:
        if wrong is None:
            log.info("issuer keys fetched", issuer=name)
        else:
            log.warning("issuer keys not fetched", issuer=name, reason=wrong)

    return tell
