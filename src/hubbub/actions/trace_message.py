"""What became of a message, for everybody who could have it."""

from collections.abc import Callable

from hubbub.actions.references import message_id, read_cursor, seen_message, write_cursor
from hubbub.domain.tracing import Sight, Traced, TracedMember, fate
from hubbub.ports import Operating
from hubbub_protocol import admin, ids
from hubbub_protocol.times import rfc3339


class TraceMessage:
    """`trace_message(message_id, limit, cursor)`. `sight` is what this process sees of a user."""

    def __init__(self, operating: Operating, sight: Callable[[int, int], Sight]) -> None:
        self._operating = operating
        self._sight = sight

    async def __call__(self, message: str, limit: int, cursor: str | None) -> admin.Trace:
        """The message without its content. Raises Refused: `not_found`, `malformed`."""
        (after,) = read_cursor(cursor, 1) or (0,)
        traced = seen_message(await self._operating.trace(message_id(message), after, limit))
        last = traced.members[-1].user_id if traced.has_more else None
        return admin.Trace(
            message_id=ids.text("msg", traced.id),
            chat_id=ids.text("chat", traced.chat_id),
            sender_id=ids.text("user", traced.sender_id) if traced.sender_id else None,
            message_type=traced.type,
            seq=traced.seq,
            number=traced.number,
            head=traced.head,
            history=traced.history,
            accepted_at=rfc3339(traced.at),
            node=traced.id >> ids.COUNTER_BITS & ids.MAX_NODE,
            recipients=[self._recipient(traced, member) for member in traced.members],
            has_more=traced.has_more,
            cursor=None if last is None else write_cursor((last,)),
        )

    def _recipient(self, traced: Traced, member: TracedMember) -> admin.TraceRecipient:
        sight = self._sight(member.user_id, traced.chat_id)
        what, why = fate(traced, member, sight)
        return admin.TraceRecipient(
            user_id=ids.text("user", member.user_id),
            username=member.username,
            display_name=member.display_name,
            fate=what,
            why=f"{member.display_name} {why}.",
            connections=sight.connections,
            delivered_at=None if member.delivered_at is None else rfc3339(member.delivered_at),
            read_at=None if member.read_at is None else rfc3339(member.read_at),
        )
