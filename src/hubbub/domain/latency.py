"""How long changes take from being accepted to being told, counted for whoever watches."""

from typing import Final

LATENCY_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds."""


class IngestStatistics:
    """Counted per batch. `latency`: changes from accepted to handed out, by LATENCY_BUCKETS."""

    def __init__(self) -> None:
        self.latency = [0] * (len(LATENCY_BUCKETS) + 1)
        self.latency_sum = 0.0
        self.accepted = 0
        self.committed = 0
        self.batches = 0
        self.repeats = 0
        self.failures = 0
        self.refused: dict[str, int] = {}
