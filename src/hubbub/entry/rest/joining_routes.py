"""Calls by which people come into groups: public ones, and invites."""

from typing import Final

from hubbub.actions import Actions
from hubbub.entry.rest.queries import Search
from hubbub.entry.rest.table import Call, Route
from hubbub_protocol import rest
from hubbub_protocol.codes import Code


async def _public_chats(actions: Actions, call: Call) -> rest.PublicChatPage:
    query: Search = call.query
    return await actions.list_public_chats(call.principal, query.q, query.limit, query.cursor)


async def _public_chat(actions: Actions, call: Call) -> rest.PublicChat:
    return await actions.get_public_chat(call.principal, call.path["chat_id"])


async def _join(actions: Actions, call: Call) -> rest.Chat:
    return await actions.join_chat(call.principal, call.path["chat_id"])


async def _create(actions: Actions, call: Call) -> rest.NewChatInvite:
    return await actions.create_chat_invite(call.principal, call.path["chat_id"], call.body)


async def _invites(actions: Actions, call: Call) -> rest.ChatInvites:
    return await actions.list_chat_invites(call.principal, call.path["chat_id"])


async def _end(actions: Actions, call: Call) -> None:
    path = call.path
    await actions.end_chat_invite(call.principal, path["chat_id"], path["invite_id"])


async def _look(actions: Actions, call: Call) -> rest.Invitation:
    return await actions.look_at_invite(call.principal, call.body)


async def _follow(actions: Actions, call: Call) -> rest.Chat:
    return await actions.follow_invite(call.principal, call.body)


JOINING: Final = (
    Route(
        method="GET",
        path="/chats/public",
        operation="list_public_chats",
        summary="Public groups, the largest first",
        tag="chats",
        handler=_public_chats,
        query=Search,
        answer=rest.PublicChatPage,
        errors=(Code.MALFORMED,),
    ),
    Route(
        method="GET",
        path="/chats/public/{chat_id}",
        operation="get_public_chat",
        summary="One public group, as it shows itself to all",
        tag="chats",
        handler=_public_chat,
        answer=rest.PublicChat,
        errors=(Code.NOT_FOUND,),
    ),
    Route(
        method="POST",
        path="/chats/{chat_id}/join",
        operation="join_chat",
        summary="Come into a public group",
        tag="chats",
        handler=_join,
        answer=rest.Chat,
        errors=(Code.NOT_FOUND, Code.FORBIDDEN, Code.CONFLICT, Code.OVERLOADED),
    ),
    Route(
        method="POST",
        path="/chats/{chat_id}/invites",
        operation="create_chat_invite",
        summary="Make a link by which people may come into a group",
        tag="chats",
        handler=_create,
        body=rest.CreateChatInvite,
        answer=rest.NewChatInvite,
        status=201,
        errors=(Code.NOT_FOUND, Code.FORBIDDEN, Code.CONFLICT),
    ),
    Route(
        method="GET",
        path="/chats/{chat_id}/invites",
        operation="list_chat_invites",
        summary="A group's invites that are not used up",
        tag="chats",
        handler=_invites,
        answer=rest.ChatInvites,
        errors=(Code.NOT_FOUND, Code.FORBIDDEN, Code.CONFLICT),
    ),
    Route(
        method="DELETE",
        path="/chats/{chat_id}/invites/{invite_id}",
        operation="end_chat_invite",
        summary="End an invite: nobody comes in by it any more",
        tag="chats",
        handler=_end,
        status=204,
        errors=(Code.NOT_FOUND, Code.FORBIDDEN, Code.CONFLICT),
    ),
    Route(
        method="POST",
        path="/invites/look",
        operation="look_at_invite",
        summary="Where an invite into a group leads",
        tag="chats",
        handler=_look,
        body=rest.InviteCode,
        answer=rest.Invitation,
        errors=(Code.NOT_FOUND,),
    ),
    Route(
        method="POST",
        path="/invites/join",
        operation="follow_invite",
        summary="Come into a group by an invite",
        tag="chats",
        handler=_follow,
        body=rest.InviteCode,
        answer=rest.Chat,
        errors=(Code.NOT_FOUND, Code.CONFLICT, Code.OVERLOADED),
    ),
)
