"""The only place that knows which adapter serves which port."""

from hubbub.wiring.embedded import (
    EmbeddedServer,
    embedded,
    hash_password,
    open_store,
    operator_token,
)
from hubbub.wiring.worker import WorkerServer

__all__ = [
    "EmbeddedServer",
    "WorkerServer",
    "embedded",
    "hash_password",
    "open_store",
    "operator_token",
]
