"""The part of the table that is about accounts. A handler calls an action, and nothing else."""

from typing import Final

from hubbub.actions import Actions
from hubbub.entry.rest.queries import ByUsername, Page
from hubbub.entry.rest.table import Call, Reply, Route
from hubbub_protocol import rest
from hubbub_protocol.codes import Code

PUT_USERS_BODY: Final = 2 * 1024 * 1024
"""Bytes: 1,000 users with the longest names, written with escapes."""


async def _register(actions: Actions, call: Call) -> rest.SignedIn:
    return await actions.register(call.body, call.caller)


async def _login(actions: Actions, call: Call) -> rest.SignedIn:
    return await actions.login(call.body, call.caller)


async def _refresh(actions: Actions, call: Call) -> rest.SignedIn:
    return await actions.refresh(call.body)


async def _logout(actions: Actions, call: Call) -> None:
    await actions.logout(call.principal)


async def _sessions(actions: Actions, call: Call) -> rest.Sessions:
    return await actions.list_sessions(call.principal)


async def _revoke(actions: Actions, call: Call) -> None:
    await actions.revoke_session(call.principal, call.path["session_id"])


async def _me(actions: Actions, call: Call) -> rest.Account:
    return await actions.get_me(call.principal)


async def _change_me(actions: Actions, call: Call) -> rest.Account:
    await actions.change_me(call.principal, call.body)
    return await actions.get_me(call.principal)


async def _block(actions: Actions, call: Call) -> None:
    await actions.block_user(call.principal, call.path["user_id"])


async def _unblock(actions: Actions, call: Call) -> None:
    await actions.unblock_user(call.principal, call.path["user_id"])


async def _blocks(actions: Actions, call: Call) -> rest.BlockPage:
    query: Page = call.query
    return await actions.list_blocks(call.principal, query.limit, query.cursor)


async def _user(actions: Actions, call: Call) -> rest.User:
    return await actions.get_user(call.principal, call.path["user_id"])


async def _find(actions: Actions, call: Call) -> rest.UserPage:
    query: ByUsername = call.query
    return await actions.find_user(call.principal, query.username)


async def _put_user(actions: Actions, call: Call) -> Reply:
    user, made = await actions.put_user(call.path["user_id"], call.body)
    return Reply(201 if made else 200, user)


async def _put_users(actions: Actions, call: Call) -> rest.UserPage:
    return await actions.put_users(call.body)


async def _invite(actions: Actions, call: Call) -> rest.Invite:
    return await actions.create_invite(call.principal)


ACCOUNTS: Final = (  # /users/bulk before /users/{user_id}, which it would be otherwise
    Route(
        method="POST",
        path="/auth/register",
        operation="register",
        summary="Make an account, and sign in",
        tag="accounts",
        handler=_register,
        scope="public",
        body=rest.Register,
        answer=rest.SignedIn,
        status=201,
        errors=(
            Code.REGISTRATION_CLOSED,
            Code.INVITE_INVALID,
            Code.USERNAME_TAKEN,
            Code.RATE_LIMITED,
            Code.OVERLOADED,
        ),
    ),
    Route(
        method="POST",
        path="/auth/login",
        operation="login",
        summary="Sign in with user name and password",
        tag="accounts",
        handler=_login,
        scope="public",
        body=rest.Login,
        answer=rest.SignedIn,
        errors=(Code.BAD_CREDENTIALS, Code.RATE_LIMITED, Code.OVERLOADED),
    ),
    Route(
        method="POST",
        path="/auth/refresh",
        operation="refresh",
        summary="Exchange a refresh token for new tokens; each works once",
        tag="accounts",
        handler=_refresh,
        scope="public",
        body=rest.Refresh,
        answer=rest.SignedIn,
        errors=(Code.UNAUTHORIZED,),
    ),
    Route(
        method="POST",
        path="/auth/logout",
        operation="logout",
        summary="End this session; its connections close at once",
        tag="accounts",
        handler=_logout,
        status=204,
    ),
    Route(
        method="GET",
        path="/sessions",
        operation="list_sessions",
        summary="Where the user is signed in",
        tag="accounts",
        handler=_sessions,
        answer=rest.Sessions,
    ),
    Route(
        method="DELETE",
        path="/sessions/{session_id}",
        operation="revoke_session",
        summary="End a session of the user; its connections close at once",
        tag="accounts",
        handler=_revoke,
        status=204,
        errors=(Code.NOT_FOUND,),
    ),
    Route(
        method="GET",
        path="/me",
        operation="get_me",
        summary="Who I am",
        tag="accounts",
        handler=_me,
        answer=rest.Account,
    ),
    Route(
        method="PATCH",
        path="/me",
        operation="change_me",
        summary="Change my name, what I show of myself, and who may begin to write to me",
        tag="accounts",
        handler=_change_me,
        body=rest.ChangeMe,
        answer=rest.Account,
        errors=(Code.FORBIDDEN, Code.OVERLOADED),
    ),
    Route(
        method="GET",
        path="/blocks",
        operation="list_blocks",
        summary="Whom I have blocked",
        tag="accounts",
        handler=_blocks,
        query=Page,
        answer=rest.BlockPage,
        errors=(Code.MALFORMED,),
    ),
    Route(
        method="PUT",
        path="/users/{user_id}/block",
        operation="block_user",
        summary="Block a user: neither of the two can write to the other",
        tag="accounts",
        handler=_block,
        status=204,
        errors=(Code.NOT_FOUND, Code.INVALID, Code.CONFLICT, Code.OVERLOADED),
    ),
    Route(
        method="DELETE",
        path="/users/{user_id}/block",
        operation="unblock_user",
        summary="Do not block a user any more",
        tag="accounts",
        handler=_unblock,
        status=204,
        errors=(Code.NOT_FOUND, Code.OVERLOADED),
    ),
    Route(
        method="GET",
        path="/users",
        operation="find_user",
        summary="Find a user by exact name",
        tag="accounts",
        handler=_find,
        query=ByUsername,
        answer=rest.UserPage,
    ),
    Route(
        method="POST",
        path="/users/bulk",
        operation="put_users",
        summary="Make or rename up to 1,000 users of the host application",
        tag="accounts",
        handler=_put_users,
        scope="key",
        key="users:write",
        body=rest.PutUsers,
        answer=rest.UserPage,
        max_body=PUT_USERS_BODY,
    ),
    Route(
        method="GET",
        path="/users/{user_id}",
        operation="get_user",
        summary="One user",
        tag="accounts",
        handler=_user,
        answer=rest.User,
        errors=(Code.NOT_FOUND,),
    ),
    Route(
        method="PUT",
        path="/users/{user_id}",
        operation="put_user",
        summary="Make or rename a user of the host application; user_id is ext:<sub>",
        tag="accounts",
        handler=_put_user,
        scope="key",
        key="users:write",
        body=rest.PutUser,
        answer=rest.User,
        also={201: "the user was made"},
    ),
    Route(
        method="POST",
        path="/invites",
        operation="create_invite",
        summary="Make a link by which one person may register",
        tag="accounts",
        handler=_invite,
        answer=rest.Invite,
        status=201,
        errors=(Code.FORBIDDEN, Code.REGISTRATION_CLOSED),
    ),
)
