"""What a disk holds of one file: durable bytes, and the changes that a power loss may undo."""

from random import Random


class Image:
    """A file as the device holds it: durable bytes, and the changes since in order.

    A change is `(offset, bytes)`, or `(size, None)` for a truncation to `size`.
    """

    def __init__(self, durable: bytes | bytearray = b"") -> None:
        self.durable = bytearray(durable)
        self.changes: list[tuple[int, bytes | None]] = []
        self.size = len(durable)

    def write(self, offset: int, data: bytes) -> None:
        self.changes.append((offset, data))
        self.size = max(self.size, offset + len(data))

    def truncate(self, size: int) -> None:
        self.changes.append((size, None))
        self.size = size

    def flush(self) -> None:
        """Make every change durable."""
        for offset, data in self.changes:
            _apply(self.durable, offset, data)
        self.changes.clear()

    def forget(self, rng: Random, sector: int) -> None:
        """Stop trying to make the changes durable: some sectors are, the others never will be."""
        self.durable = self._survive_by_sector(rng, sector)
        self.changes.clear()

    def survive(self, rng: Random, sector: int) -> bytearray:
        """What is left when the power goes now."""
        mood = rng.choice(("none", "all", "prefix", "any", "any", "any"))
        kept = self.changes if mood == "all" else self.changes[: rng.randint(0, len(self.changes))]
        if mood == "any":
            return self._survive_by_sector(rng, sector)
        left = bytearray(self.durable)
        for offset, data in kept if mood != "none" else []:
            _apply(left, offset, data)
        return left

    def _survive_by_sector(self, rng: Random, sector: int) -> bytearray:
        sizes = [len(self.durable)]
        for offset, data in self.changes:
            sizes.append(offset if data is None else max(sizes[-1], offset + len(data)))
        longest = max(sizes)
        touching = self._changes_by_sector(sector, longest)
        torn = rng.choice(sorted(touching)) if touching and rng.random() < 0.5 else None
        left = bytearray(self.durable).ljust(longest, b"\0")
        for number, changes in sorted(touching.items()):
            start = number * sector
            versions = rng.randint(0, len(changes))
            part = left[start : start + sector]
            for offset, data in changes[:versions]:
                _overlay(part, offset - start, data)
            if number == torn and versions < len(changes):
                newer = bytearray(part)
                _overlay(newer, changes[versions][0] - start, changes[versions][1])
                cut = rng.randint(0, len(part))
                part[:cut] = newer[:cut]
            left[start : start + sector] = part
        del left[rng.choice(sizes) :]
        return left

    def _changes_by_sector(
        self, sector: int, longest: int
    ) -> dict[int, list[tuple[int, bytes | None]]]:
        touching: dict[int, list[tuple[int, bytes | None]]] = {}
        for change in self.changes:
            offset, data = change
            end = longest if data is None else offset + len(data)
            for number in range(offset // sector, -(-end // sector)):
                touching.setdefault(number, []).append(change)
        return touching


def _apply(image: bytearray, offset: int, data: bytes | None) -> None:
    """Do one change to a whole file."""
    if data is None:
        del image[offset:]
        data = b""
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data


def _overlay(part: bytearray, offset: int, data: bytes | None) -> None:
    """Do one change to a part of a file that keeps its length; `offset` may be before it."""
    begin = max(offset, 0)
    if data is None:
        part[begin:] = bytes(len(part) - begin)
    else:
        piece = data[begin - offset : len(part) - offset]
        part[begin : begin + len(piece)] = piece
