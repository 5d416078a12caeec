"""Forward a message: a copy of what its sender may see, with the name of who wrote it."""

from collections.abc import Sequence

from msgspec.structs import replace

from hubbub.domain.draft import Draft
from hubbub.domain.extra import Extra, unpack
from hubbub.domain.message import Row
from hubbub.domain.policy import may_forward
from hubbub.ports import Referring, SourceRead
from hubbub_protocol.codes import Code, Refused

NO_SOURCE = "forward names no message that you can see."


class Forward:
    """From drafts that name a message to drafts that say what it says."""

    def __init__(self, referring: Referring) -> None:
        self._referring = referring

    async def __call__(self, drafts: Sequence[Draft]) -> dict[int, Draft | Refused]:
        """What becomes of those that are forwards, by their ids. Raises Unavailable."""
        asked = [(draft, draft.extra) for draft in drafts if draft.extra and draft.extra.forward]
        if not asked:
            return {}
        reads = [SourceRead(d.sender_id, extra.forward, d.client_id) for d, extra in asked]
        sources = await self._referring.sources(reads)
        pairs = zip(asked, sources, strict=True)
        return {draft.id: _copy(draft, extra, source) for (draft, extra), source in pairs}


def _copy(draft: Draft, extra: Extra, source: Row | None) -> Draft | Refused:
    if source is None:
        return Refused(Code.NOT_FOUND, NO_SOURCE)
    again = source.client_id is not None and source.client_id == draft.client_id
    if not (again and source.sender_id == draft.sender_id) and (denied := may_forward(source)):
        return Refused(Code(denied.kind), denied.why)
    author = unpack(source.extra).forwarded_from or source.sender_id
    return replace(
        draft,
        type=source.type,
        content=source.content,
        media=source.media,
        extra=replace(extra, forwarded_from=author),
    )
