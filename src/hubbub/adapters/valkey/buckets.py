"""`SharedBuckets` on Valkey: of each bucket it is kept when it will be full, for until then."""

import zlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from hubbub.adapters.valkey.nodes import PIECE, SLOTS, ValkeyNodes
from hubbub.adapters.valkey.scripts import TAKE

SECOND: Final = 1_000_000
ANY: Final = 1 << 50
"""µs that a bucket may lack where what is taken is gone already: some decades."""


class ValkeyBuckets:
    """See the module. It speaks through what joins the nodes."""

    def __init__(self, nodes: ValkeyNodes) -> None:
        self._nodes = nodes

    async def take(self, key: str, rate: float, burst: float) -> float:
        """See SharedBuckets."""
        token = _token(rate)
        most = int(burst * token)
        (lacks,) = await self._take([(key, 1)], token, most)
        return max(0, lacks - most) / SECOND

    async def owe(self, taken: Mapping[str, int], rate: float, burst: float) -> list[float]:
        """See SharedBuckets."""
        token, wanted = _token(rate), list(taken.items())
        lacks: list[int] = []
        for start in range(0, len(wanted), PIECE):
            lacks += await self._take(wanted[start : start + PIECE], token, ANY)
        return [burst - lack / token for lack in lacks]

    async def _take(self, wanted: list[tuple[str, int]], token: int, most: int) -> list[int]:
        by_slot: defaultdict[int, list[int]] = defaultdict(list)
        for index, (key, _) in enumerate(wanted):
            by_slot[zlib.crc32(key.encode()) % SLOTS].append(index)
        async with self._nodes.calls() as calls:
            for slot, indices in by_slot.items():
                keys = [f"{{hubbub:{slot}}}:bucket:{wanted[i][0]}" for i in indices]
                counts = [wanted[i][1] for i in indices]
                calls.add("EVAL", TAKE, len(keys), *keys, token, most, *counts)
            answers = await calls.execute()
        found = [0] * len(wanted)
        for indices, lacks in zip(by_slot.values(), answers, strict=True):
            for index, lack in zip(indices, lacks, strict=True):
                found[index] = lack
        return found


def _token(rate: float) -> int:
    """µs in which one comes."""
    return max(1, round(SECOND / rate))
