"""The file that survives: torn anywhere, it holds what was promised."""

from pathlib import Path

import pytest

from hubbub_client.errors import StorageBusy
from hubbub_client.journal import FileStorage, decode, encode
from hubbub_client.storage import (
    GapsSaved,
    LogForgotten,
    PlaceSaved,
    Record,
    Saved,
    SendSaved,
    SendSettled,
    TokensSaved,
)
from hubbub_protocol.frames import ME, Send
from tests.unit.client.peers import CHAT, OTHER, signed_in

RECORDS: list[Record] = [
    TokensSaved(signed_in()),
    PlaceSaved(CHAT, 3),
    SendSaved(Send("c1", CHAT, content="Hällo\n")),
    GapsSaved(CHAT, [(4, 9)]),
    SendSaved(Send("c2", CHAT, content="two")),
    PlaceSaved(ME, 2),
    SendSettled("c1"),
    LogForgotten(OTHER),
]


def fold(records: list[Record]) -> Saved:
    saved = Saved()
    for record in records:
        saved.apply(record)
    return saved


async def test_keeps_everything(tmp_path: Path) -> None:
    storage = FileStorage(tmp_path / "ann")
    await storage.load()
    await storage.append(RECORDS[:4], sync=False)
    await storage.append(RECORDS[4:], sync=True)
    await storage.close()
    again = FileStorage(tmp_path / "ann")
    assert await again.load() == fold(RECORDS)
    assert again.damaged == 0
    await again.close()
    assert (tmp_path / "ann").stat().st_mode & 0o777 == 0o600


async def test_torn_at_every_byte(tmp_path: Path) -> None:
    whole = encode(RECORDS)
    ends = [len(encode(RECORDS[:n])) for n in range(len(RECORDS) + 1)]
    for cut in range(len(whole) + 1):
        path = tmp_path / f"cut{cut}"
        path.write_bytes(whole[:cut])
        storage = FileStorage(path)
        # A record counts once its last byte but the line feed is there.
        expected = fold([r for r, end in zip(RECORDS, ends[1:], strict=True) if end - 1 <= cut])
        assert await storage.load() == expected
        if cut % 7 == 0:  # what is appended now does not join the torn line
            await storage.append([PlaceSaved(OTHER, 7)], sync=False)
            expected.apply(PlaceSaved(OTHER, 7))
        await storage.close()
        assert fold(decode(path.read_bytes())[0]) == expected


def test_damaged_lines_are_passed_over() -> None:
    whole = bytearray(encode(RECORDS))
    start = len(encode(RECORDS[:3]))
    whole[start + 15] ^= 1
    records, damaged = decode(bytes(whole))
    assert records == RECORDS[:3] + RECORDS[4:]
    assert damaged == 1


async def test_is_compacted(tmp_path: Path) -> None:
    path = tmp_path / "ann"
    storage = FileStorage(path, compact_after=50)
    await storage.load()
    await storage.append(RECORDS, sync=True)
    for n in range(1000):
        await storage.append([PlaceSaved(CHAT, n)], sync=False)
    assert path.read_bytes().count(b"\n") < 120
    assert not (tmp_path / "ann.new").exists()
    await storage.close()
    again = FileStorage(path)
    assert await again.load() == fold([*RECORDS, PlaceSaved(CHAT, 999)])
    await again.close()


async def test_one_process_at_a_time(tmp_path: Path) -> None:
    first = FileStorage(tmp_path / "ann")
    await first.load()
    with pytest.raises(StorageBusy):
        await FileStorage(tmp_path / "ann").load()
    await first.close()
    second = FileStorage(tmp_path / "ann")
    await second.load()
    await second.close()
