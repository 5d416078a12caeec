"""Calls that lead from one message to others: threads and mentions."""

from typing import Final

from hubbub.actions import Actions
from hubbub.entry.rest.queries import Page, ThreadPage
from hubbub.entry.rest.table import Call, Route
from hubbub_protocol import rest
from hubbub_protocol.codes import Code


async def _thread(actions: Actions, call: Call) -> rest.ThreadPage:
    query: ThreadPage = call.query
    newest_first = query.order == "newest"
    return await actions.get_thread(
        call.principal, call.path["message_id"], newest_first, query.limit, query.cursor
    )


async def _mentions(actions: Actions, call: Call) -> rest.MentionPage:
    query: Page = call.query
    return await actions.list_mentions(call.principal, query.limit, query.cursor)


REFERRING: Final = (
    Route(
        method="GET",
        path="/messages/{message_id}/thread",
        operation="get_thread",
        summary="The thread that a message began or belongs to",
        tag="messages",
        handler=_thread,
        query=ThreadPage,
        answer=rest.ThreadPage,
        errors=(Code.NOT_FOUND, Code.MALFORMED, Code.NOT_YET_STORED),
    ),
    Route(
        method="GET",
        path="/mentions",
        operation="list_mentions",
        summary="Messages that mention the user, newest first",
        tag="messages",
        handler=_mentions,
        query=Page,
        answer=rest.MentionPage,
        errors=(Code.MALFORMED,),
    ),
)
