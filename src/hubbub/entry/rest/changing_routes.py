"""Calls that change a message, and those about its changes."""

from typing import Final

from hubbub.actions import Actions
from hubbub.entry.rest.table import Call, Route
from hubbub_protocol import rest
from hubbub_protocol.codes import Code


async def _edit(actions: Actions, call: Call) -> rest.ChangedMessage:
    return await actions.edit_message(call.principal, call.path["message_id"], call.body)


_ERRORS: Final = (
    Code.NOT_FOUND,
    Code.FORBIDDEN,
    Code.CONFLICT,
    Code.INVALID,
    Code.RATE_LIMITED,
    Code.OVERLOADED,
)

CHANGING: Final = (
    Route(
        method="PATCH",
        path="/messages/{message_id}",
        operation="edit_message",
        summary="Change what one's own message says",
        tag="messages",
        handler=_edit,
        key="messages:write",
        body=rest.EditMessage,
        answer=rest.ChangedMessage,
        errors=_ERRORS,
    ),
)
