"""Two samples of /metrics, and what happened between them."""

from collections.abc import Mapping

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Sample(Struct, frozen=True):
    """What a server told at one moment, `at` in seconds that never go back.

    `values` has metrics without labels by name, `series` those with.
    """

    at: float
    values: Mapping[str, float]
    series: Mapping[str, Mapping[Labels, float]]

    def labelled(self, name: str, label: str) -> dict[str, float]:
        """A metric's values by one label."""
        found: dict[str, float] = {}
        for labels, value in self.series.get(name, {}).items():
            key = dict(labels).get(label, "")
            found[key] = found.get(key, 0) + value
        return found


def parse(text: str, at: float) -> Sample:
    """Prometheus' text format. Raises ValueError: it is something else."""
    values: dict[str, float] = {}
    series: dict[str, dict[Labels, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels:
                labels = frozenset(sample.labels.items())
                series.setdefault(sample.name, {})[labels] = sample.value
            else:
                values[sample.name] = sample.value
    if "hubbub_accepted_total" not in values:
        raise ValueError("its figures are of another program")
    return Sample(at, values, series)


class Change:
    """From one sample to a later one. A counter that went back was begun anew by a restart."""

    def __init__(self, before: Sample, now: Sample) -> None:
        self._before = before
        self._now = now
        self._seconds = max(now.at - before.at, 1e-6)

    def more(self, name: str) -> float:
        """By how much a counter grew."""
        return _grown(self._before.values.get(name, 0), self._now.values.get(name, 0))

    def rate(self, name: str) -> float:
        """A counter's growth per second."""
        return self.more(name) / self._seconds

    def labelled(self, name: str, label: str, value: str) -> float:
        """By how much a counter grew where the label has this value."""
        before, now = (s.labelled(name, label) for s in (self._before, self._now))
        return _grown(before.get(value, 0), now.get(value, 0))

    def quantile(self, name: str, q: float) -> tuple[float, bool] | None:
        """A histogram's quantile, linear within its bucket, as PromQL's histogram_quantile.

        The flag: it lies beyond the last bound, which is then given. None: nothing happened.
        """
        before, now = (s.labelled(f"{name}_bucket", "le") for s in (self._before, self._now))
        bounds = sorted(now, key=float)
        counts = [_grown(before.get(bound, 0), now[bound]) for bound in bounds]
        if not counts or not counts[-1]:
            return None
        rank, low, below = q * counts[-1], 0.0, 0.0
        for bound, count in zip(bounds, counts, strict=True):
            if count >= rank:
                if bound == "+Inf":
                    return low, True
                share = (rank - below) / (count - below) if count > below else 1.0
                return low + (float(bound) - low) * share, False
            low, below = float(bound), count
        return low, True


def _grown(before: float, now: float) -> float:
    return now - before if now >= before else now
