"""Calls that change a message, and those about its changes."""

from typing import Final

from hubbub.actions import Actions
from hubbub.entry.rest.queries import Deletion, Page
from hubbub.entry.rest.table import Call, Route
from hubbub_protocol import rest
from hubbub_protocol.codes import Code


async def _edit(actions: Actions, call: Call) -> rest.ChangedMessage:
    return await actions.edit_message(call.principal, call.path["message_id"], call.body)


async def _delete(actions: Actions, call: Call) -> rest.ChangedMessage:
    message = call.path["message_id"]
    return await actions.delete_message(call.principal, message, call.query.for_)


async def _pin(actions: Actions, call: Call) -> rest.ChangedMessage:
    return await actions.pin_message(call.principal, call.path["message_id"])


async def _unpin(actions: Actions, call: Call) -> rest.ChangedMessage:
    return await actions.unpin_message(call.principal, call.path["message_id"])


async def _react(actions: Actions, call: Call) -> rest.ChangedMessage:
    return await actions.add_reaction(call.principal, call.path["message_id"], call.path["emoji"])


async def _unreact(actions: Actions, call: Call) -> rest.ChangedMessage:
    message, emoji = call.path["message_id"], call.path["emoji"]
    return await actions.remove_reaction(call.principal, message, emoji)


async def _reactions(actions: Actions, call: Call) -> rest.ReactionPage:
    query: Page = call.query
    message = call.path["message_id"]
    return await actions.list_reactions(call.principal, message, query.limit, query.cursor)


async def _edits(actions: Actions, call: Call) -> rest.Edits:
    return await actions.list_edits(call.principal, call.path["message_id"])


async def _pins(actions: Actions, call: Call) -> rest.Pins:
    return await actions.list_pins(call.principal, call.path["chat_id"])


_ERRORS: Final = (
    Code.NOT_FOUND,
    Code.FORBIDDEN,
    Code.CANNOT_MESSAGE,
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
    Route(
        method="DELETE",
        path="/messages/{message_id}",
        operation="delete_message",
        summary="Take a message away from everyone, its place stays; or from oneself",
        tag="messages",
        handler=_delete,
        key="messages:write",
        query=Deletion,
        answer=rest.ChangedMessage,
        errors=_ERRORS,
    ),
    Route(
        method="PUT",
        path="/messages/{message_id}/pin",
        operation="pin_message",
        summary="Pin a message in its chat",
        tag="messages",
        handler=_pin,
        key="messages:write",
        answer=rest.ChangedMessage,
        errors=_ERRORS,
    ),
    Route(
        method="DELETE",
        path="/messages/{message_id}/pin",
        operation="unpin_message",
        summary="Pin a message no more",
        tag="messages",
        handler=_unpin,
        key="messages:write",
        answer=rest.ChangedMessage,
        errors=_ERRORS,
    ),
    Route(
        method="PUT",
        path="/messages/{message_id}/reactions/{emoji}",
        operation="add_reaction",
        summary="Put an emoji to a message",
        tag="messages",
        handler=_react,
        key="messages:write",
        answer=rest.ChangedMessage,
        errors=_ERRORS,
    ),
    Route(
        method="DELETE",
        path="/messages/{message_id}/reactions/{emoji}",
        operation="remove_reaction",
        summary="Take one's own emoji away from a message",
        tag="messages",
        handler=_unreact,
        key="messages:write",
        answer=rest.ChangedMessage,
        errors=_ERRORS,
    ),
    Route(
        method="GET",
        path="/messages/{message_id}/reactions",
        operation="list_reactions",
        summary="Who has reacted to a message, with what and when",
        tag="messages",
        handler=_reactions,
        query=Page,
        answer=rest.ReactionPage,
        errors=(Code.NOT_FOUND, Code.MALFORMED),
    ),
    Route(
        method="GET",
        path="/messages/{message_id}/edits",
        operation="list_edits",
        summary="What a message said before it was edited, newest first",
        tag="messages",
        handler=_edits,
        answer=rest.Edits,
        errors=(Code.NOT_FOUND, Code.FORBIDDEN),
    ),
    Route(
        method="GET",
        path="/chats/{chat_id}/pins",
        operation="list_pins",
        summary="A chat's pinned messages, those pinned last first",
        tag="messages",
        handler=_pins,
        answer=rest.Pins,
        errors=(Code.NOT_FOUND,),
    ),
)
