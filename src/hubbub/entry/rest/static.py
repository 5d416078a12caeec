"""Static files: read once at the start, served from memory, known again by their ETag."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hubbub.entry.rest.exchange import Exchange, Header

TEXT: Final = ("text/", "application/javascript", "application/json", "image/svg+xml")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    content_type: bytes
    etag: bytes


def load_assets(folder: Path) -> dict[str, Asset]:
    """Every file below `folder`, by its path there. Raises OSError."""
    return {
        file.relative_to(folder).as_posix(): _asset(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and not file.name.startswith(".") and file.suffix not in (".py", ".pyc")
    }


def _asset(file: Path) -> Asset:
    body = file.read_bytes()
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if file.suffix == ".js":
        kind = "text/javascript"  # the machine's own table may say otherwise
    if kind.startswith(TEXT):
        kind += "; charset=utf-8"
    return Asset(body, kind.encode(), f'"{hashlib.sha256(body).hexdigest()[:32]}"'.encode())


async def answer_asset(exchange: Exchange, asset: Asset) -> None:
    """Send the file, or 304 where the client has it. Browsers ask each time, and load once."""
    headers: list[Header] = [(b"etag", asset.etag), (b"cache-control", b"no-cache")]
    known = exchange.headers.get("if-none-match", "").encode("latin-1")
    if known == b"*" or asset.etag in [
        tag.strip().removeprefix(b"W/") for tag in known.split(b",")
    ]:
        await exchange.answer(304, headers=headers)
    else:
        await exchange.answer(200, asset.content_type, asset.body, headers)
