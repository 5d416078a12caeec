"""The part of the table for who looks after the server."""

from typing import Final

from hubbub.actions import Actions
from hubbub.entry.rest.queries import Page, TailOf
from hubbub.entry.rest.table import Call, Route
from hubbub_protocol import admin
from hubbub_protocol.codes import Code


async def _trace(actions: Actions, call: Call) -> admin.Trace:
    query: Page = call.query
    return await actions.trace_message(call.path["message_id"], query.limit, query.cursor)


async def _tail(actions: Actions, call: Call) -> admin.Tail:
    query: TailOf = call.query
    return await actions.tail_user(query.user, query.cursor, float(query.wait))


ADMIN: Final = (
    Route(
        method="GET",
        path="/admin/tail",
        operation="tail_user",
        summary="What a user is pushed, live, without what is said",
        tag="admin",
        scope="admin",
        handler=_tail,
        query=TailOf,
        answer=admin.Tail,
        waits=True,
        errors=(Code.NOT_FOUND, Code.MALFORMED),
    ),
    Route(
        method="GET",
        path="/admin/trace/{message_id}",
        operation="trace_message",
        summary="What became of a message, for everybody who could have it",
        tag="admin",
        scope="admin",
        handler=_trace,
        query=Page,
        answer=admin.Trace,
        errors=(Code.NOT_FOUND, Code.MALFORMED),
    ),
)
