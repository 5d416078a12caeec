"""How long changes take from being accepted to being told, counted for whoever watches."""

from bisect import bisect_left
from typing import Final

LATENCY_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds."""


class Latency:
    """How often something took how long, by LATENCY_BUCKETS, and the seconds of all together."""

    def __init__(self) -> None:
        self.latency = [0] * (len(LATENCY_BUCKETS) + 1)
        self.latency_sum = 0.0

    def took(self, seconds: float) -> None:
        """It happened once more."""
        self.latency[bisect_left(LATENCY_BUCKETS, seconds)] += 1
        self.latency_sum += seconds


class IngestStatistics(Latency):
    """Counted per batch. The latency is that of changes from accepted to handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted = 0
        self.committed = 0
        self.batches = 0
        self.repeats = 0
        self.failures = 0
        self.refused: dict[str, int] = {}

    def refuse(self, code: str) -> None:
        """A change was refused."""
        self.refused[code] = self.refused.get(code, 0) + 1
