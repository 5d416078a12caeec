"""Asking a server over HTTP, for commands that look at one."""

import http.client
import urllib.error
import urllib.request
from typing import Final

import click

from hubbub import config as settings
from hubbub.config import Config

ANSWER_SECONDS: Final = 5.0
LARGEST: Final = 4 << 20
"""Bytes of an answer that are read at most."""
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks the server itself: a proxy for the web knows nothing of an operator's machines."""

URL: Final = click.option(
    "--url", help="Where the server is.  [default: as `hubbub serve` would say]"
)


def address(url: str | None, config: Config) -> str:
    """What was typed as `--url`, or where a server with these settings is."""
    url = (url or settings.base_url(config, config.server.port)).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("begins with http:// or https://", param_hint="--url")
    return url


def ask(url: str, token: str | None = None) -> tuple[int, bytes]:
    """Status and body of a GET. Raises OSError where no HTTP server answers."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        request = urllib.request.Request(url, headers=headers)
        with _OPENER.open(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, answer.read(LARGEST)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(LARGEST)
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"it is no Hubbub: {error}") from error


def reason(error: OSError) -> str:
    """Why there is no answer, in a few words."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return (cause.strerror if isinstance(cause, OSError) else None) or str(cause)
