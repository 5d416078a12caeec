"""Server keys, as an operator makes them."""

import uuid
from pathlib import Path

from hubbub.config.reading import load
from hubbub.wiring.admin import Scope, create_key


def server_key(data: Path, *scopes: Scope) -> str:
    """A new key of the server on this folder, which may be running."""
    told = load(None, {}, {"server": {"data": str(data)}})
    key = create_key(told, uuid.uuid4().hex, scopes)
    assert key is not None
    return key
