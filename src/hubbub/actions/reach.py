"""Whom a user may bring into a chat: who has not blocked him, and has an open inbox for him."""

from collections.abc import Sequence

from hubbub.actions.directory import SLICE
from hubbub.domain.policy import may_write
from hubbub.domain.relation import Pair
from hubbub.ports import Relations
from hubbub_protocol import ids
from hubbub_protocol.codes import Code, Refused


async def check_reach(relations: Relations, user_id: int, others: Sequence[int]) -> None:
    """Raises Refused `cannot_message`, naming the first whom he may not."""
    for start in range(0, len(others), SLICE):
        pairs = [Pair(user_id, other) for other in others[start : start + SLICE]]
        for relation in await relations.relations(pairs):
            if relation is not None and may_write(relation) is not None:
                name = ids.text("user", relation.other_id)
                why = f"{name} takes no messages from you, and cannot be added."
                raise Refused(Code.CANNOT_MESSAGE, why)
