"""The only place that knows which adapter serves which port."""

from hubbub.wiring.embedded import EmbeddedServer, embedded

__all__ = ["EmbeddedServer", "embedded"]
