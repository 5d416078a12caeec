"""Server keys, as an operator makes them."""

import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hubbub.config.reading import load
from hubbub.wiring.admin import Scope, create_key


def server_key(data: Path, *scopes: Scope, settings: Mapping[str, str] | None = None) -> str:
    """A new key of the server on this folder, with these settings, which may be running."""
    told = load(None, settings or {}, {"server": {"data": str(data)}})
    with ThreadPoolExecutor() as beside:  # who calls may be in an event loop
        key = beside.submit(create_key, told, uuid.uuid4().hex, scopes).result()
    assert key is not None
    return key
