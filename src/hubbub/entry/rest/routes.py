"""The table: every call of `/api/v1`. A handler calls an action, and nothing else.

The order is that in which paths are tried.
"""

from typing import Final

from msgspec.structs import replace

from hubbub.actions import Actions, Refused
from hubbub.entry.rest import (
    account_routes,
    admin_routes,
    changing_routes,
    joining_routes,
    provider_routes,
    referring_routes,
)
from hubbub.entry.rest.queries import EventsAfter, HistoryPage, Page, Wait
from hubbub.entry.rest.table import Call, Reply, Route
from hubbub_protocol import rest
from hubbub_protocol.codes import Code

CREATE_CHAT_BODY: Final = 8 * 1024 * 1024
"""Bytes: 100,000 member ids are 2.3 MB, and may be spaced out."""


# ── messages ─────────────────────────────────────────────────────────────────────────────────


async def _send(actions: Actions, call: Call) -> rest.Accepted:
    message: rest.SendMessage = call.body
    key = call.headers.get("idempotency-key")
    if key:
        if message.client_id not in (None, key):
            raise Refused(
                Code.INVALID, "Idempotency-Key and client_id differ; give one of them, or the same."
            )
        message = replace(message, client_id=key)
    return await actions.send_message(call.principal, message)


async def _message(actions: Actions, call: Call) -> rest.StoredMessage:
    return await actions.get_message(call.principal, call.path["message_id"])


async def _read(actions: Actions, call: Call) -> rest.ReadDone:
    return await actions.mark_read(call.principal, call.path["message_id"])


async def _receipts(actions: Actions, call: Call) -> rest.ReceiptPage:
    query: Page = call.query
    return await actions.get_receipts(
        call.principal, call.path["message_id"], query.limit, query.cursor
    )


async def _history(actions: Actions, call: Call) -> rest.MessagePage:
    query: HistoryPage = call.query
    anchors = [
        (direction, anchor)
        for direction, anchor in (
            ("before", query.before_id),
            ("after", query.after_id),
            ("around", query.around_id),
        )
        if anchor is not None
    ]
    if len(anchors) > 1:
        raise Refused(Code.INVALID, "Give one of before_id, after_id and around_id, or none.")
    direction, anchor = anchors[0] if anchors else ("before", None)
    return await actions.list_messages(
        call.principal, call.path["chat_id"], direction, anchor, query.limit
    )


async def _events(actions: Actions, call: Call) -> rest.EventPage:
    query: EventsAfter = call.query
    return await actions.list_events(call.principal, call.path["chat_id"], query.after, query.limit)


async def _my_events(actions: Actions, call: Call) -> rest.EventPage:
    query: EventsAfter = call.query
    return await actions.list_my_events(call.principal, query.after, query.limit)


async def _sync(actions: Actions, call: Call) -> rest.Synced:
    return await actions.sync(call.principal, call.body, float(call.query.wait))


MESSAGES: Final = (
    Route(
        method="POST",
        path="/messages",
        operation="send_message",
        summary="Send a message to a chat, or to recipients",
        tag="messages",
        handler=_send,
        key="messages:write",
        body=rest.SendMessage,
        answer=rest.Accepted,
        status=202,
        headers={
            "Idempotency-Key": "a UUID; the same one gives the same message, however often it is "
            "sent. May stand in the body as client_id instead"
        },
        errors=(
            Code.NOT_FOUND,
            Code.FORBIDDEN,
            Code.CANNOT_MESSAGE,
            Code.IDEMPOTENCY_MISMATCH,
            Code.NOT_YET_STORED,
            Code.RATE_LIMITED,
            Code.OVERLOADED,
        ),
    ),
    Route(
        method="GET",
        path="/chats/{chat_id}/messages",
        operation="list_messages",
        summary="A chat's history, newest first",
        tag="messages",
        handler=_history,
        query=HistoryPage,
        answer=rest.MessagePage,
        errors=(Code.NOT_FOUND, Code.MALFORMED, Code.NOT_YET_STORED),
    ),
    Route(
        method="GET",
        path="/messages/{message_id}",
        operation="get_message",
        summary="One message with its status",
        tag="messages",
        handler=_message,
        answer=rest.StoredMessage,
        errors=(Code.NOT_FOUND, Code.NOT_YET_STORED),
    ),
    Route(
        method="POST",
        path="/messages/{message_id}/read",
        operation="mark_read",
        summary="Everything in the chat up to this message was read",
        tag="messages",
        handler=_read,
        answer=rest.ReadDone,
        errors=(Code.NOT_FOUND, Code.NOT_YET_STORED, Code.OVERLOADED),
    ),
    Route(
        method="GET",
        path="/messages/{message_id}/receipts",
        operation="get_receipts",
        summary="Who has received and read a message",
        tag="messages",
        handler=_receipts,
        query=Page,
        answer=rest.ReceiptPage,
        errors=(Code.NOT_FOUND, Code.MALFORMED, Code.FORBIDDEN, Code.NOT_YET_STORED),
    ),
    Route(
        method="GET",
        path="/chats/{chat_id}/events",
        operation="list_events",
        summary="A chat's folded log after a position",
        tag="sync",
        handler=_events,
        query=EventsAfter,
        answer=rest.EventPage,
        errors=(Code.NOT_FOUND,),
    ),
    Route(
        method="GET",
        path="/me/events",
        operation="list_my_events",
        summary="The user's own folded log after a position",
        tag="sync",
        handler=_my_events,
        query=EventsAfter,
        answer=rest.EventPage,
    ),
    Route(
        method="POST",
        path="/sync",
        operation="sync",
        summary="What happened since these positions, for clients without a WebSocket",
        tag="sync",
        handler=_sync,
        body=rest.Sync,
        query=Wait,
        answer=rest.Synced,
        waits=True,
        errors=(Code.OVERLOADED, Code.RATE_LIMITED),
    ),
)


# ── chats ────────────────────────────────────────────────────────────────────────────────────


async def _create(actions: Actions, call: Call) -> Reply:
    chat, made = await actions.create_chat(call.principal, call.body)
    return Reply(201 if made else 200, chat)


async def _chats(actions: Actions, call: Call) -> rest.ChatPage:
    query: Page = call.query
    return await actions.list_chats(call.principal, query.limit, query.cursor)


async def _chat(actions: Actions, call: Call) -> rest.Chat:
    return await actions.get_chat(call.principal, call.path["chat_id"])


async def _change_chat(actions: Actions, call: Call) -> rest.Changed:
    return await actions.change_chat(call.principal, call.path["chat_id"], call.body)


async def _mute(actions: Actions, call: Call) -> rest.Mute:
    return await actions.mute_chat(call.principal, call.path["chat_id"], call.body)


async def _members(actions: Actions, call: Call) -> rest.MemberPage:
    query: Page = call.query
    return await actions.list_members(
        call.principal, call.path["chat_id"], query.limit, query.cursor
    )


async def _add(actions: Actions, call: Call) -> rest.Changed:
    return await actions.add_members(call.principal, call.path["chat_id"], call.body)


async def _remove(actions: Actions, call: Call) -> rest.Changed:
    path = call.path
    return await actions.remove_member(call.principal, path["chat_id"], path["user_id"])


async def _change(actions: Actions, call: Call) -> rest.Changed:
    path = call.path
    return await actions.change_member(call.principal, path["chat_id"], path["user_id"], call.body)


async def _leave(actions: Actions, call: Call) -> rest.Changed:
    return await actions.leave_chat(call.principal, call.path["chat_id"])


_CHANGE_ERRORS: Final = (
    Code.NOT_FOUND,
    Code.FORBIDDEN,
    Code.CONFLICT,
    Code.MALFORMED,
    Code.INVALID,
    Code.OVERLOADED,
)

CHATS: Final = (
    Route(
        method="POST",
        path="/chats",
        operation="create_chat",
        summary="Make a group, or find or make the direct chat with a user",
        tag="chats",
        handler=_create,
        key="chats:write",
        body=rest.CreateChat,
        answer=rest.Chat,
        status=201,
        also={200: "the direct chat was there already"},
        errors=(Code.NOT_FOUND, Code.CANNOT_MESSAGE, Code.OVERLOADED),
        max_body=CREATE_CHAT_BODY,
    ),
    Route(
        method="GET",
        path="/chats",
        operation="list_chats",
        summary="The user's chats by last activity, newest first",
        tag="chats",
        handler=_chats,
        query=Page,
        answer=rest.ChatPage,
        errors=(Code.MALFORMED,),
    ),
    Route(
        method="GET",
        path="/chats/{chat_id}",
        operation="get_chat",
        summary="One chat, as the user sees it",
        tag="chats",
        handler=_chat,
        answer=rest.Chat,
        errors=(Code.NOT_FOUND,),
    ),
    Route(
        method="PATCH",
        path="/chats/{chat_id}",
        operation="change_chat",
        summary="Change a group's title and other settings",
        tag="chats",
        handler=_change_chat,
        key="chats:write",
        body=rest.ChangeChat,
        answer=rest.Changed,
        errors=_CHANGE_ERRORS,
    ),
    Route(
        method="PUT",
        path="/chats/{chat_id}/mute",
        operation="mute_chat",
        summary="Mute a chat until a time; null: no more",
        tag="chats",
        handler=_mute,
        body=rest.Mute,
        answer=rest.Mute,
        errors=(Code.NOT_FOUND, Code.OVERLOADED),
    ),
    Route(
        method="GET",
        path="/chats/{chat_id}/members",
        operation="list_members",
        summary="Who is in a chat, and how far each is",
        tag="chats",
        handler=_members,
        query=Page,
        answer=rest.MemberPage,
        errors=(Code.NOT_FOUND, Code.MALFORMED),
    ),
    Route(
        method="POST",
        path="/chats/{chat_id}/members",
        operation="add_members",
        summary="Add users to a group",
        tag="chats",
        handler=_add,
        key="chats:write",
        body=rest.AddMembers,
        answer=rest.Changed,
        errors=(*_CHANGE_ERRORS, Code.CANNOT_MESSAGE),
    ),
    Route(
        method="DELETE",
        path="/chats/{chat_id}/members/{user_id}",
        operation="remove_member",
        summary="Remove a member from a group; oneself: leave it",
        tag="chats",
        handler=_remove,
        key="chats:write",
        answer=rest.Changed,
        errors=_CHANGE_ERRORS,
    ),
    Route(
        method="PATCH",
        path="/chats/{chat_id}/members/{user_id}",
        operation="change_member",
        summary="Give a member another role",
        tag="chats",
        handler=_change,
        key="chats:write",
        body=rest.ChangeMember,
        answer=rest.Changed,
        errors=_CHANGE_ERRORS,
    ),
    Route(
        method="POST",
        path="/chats/{chat_id}/leave",
        operation="leave_chat",
        summary="Leave a group",
        tag="chats",
        handler=_leave,
        key="chats:write",
        answer=rest.Changed,
        errors=_CHANGE_ERRORS,
    ),
)

# Before CHATS, where a name of its own would be taken for a chat's id.
ROUTES: Final = (
    *MESSAGES,
    *changing_routes.CHANGING,
    *referring_routes.REFERRING,
    *joining_routes.JOINING,
    *CHATS,
    *account_routes.ACCOUNTS,
    *provider_routes.PROVIDERS,
    *admin_routes.ADMIN,
)
