"""The only place that knows which adapter serves which port."""

from hubbub.wiring.embedded import (
    EmbeddedServer,
    embedded,
    hash_password,
    open_store,
    operator_token,
)

__all__ = ["EmbeddedServer", "embedded", "hash_password", "open_store", "operator_token"]
