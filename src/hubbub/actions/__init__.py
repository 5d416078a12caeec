"""What a user can do: one file per verb, each a small class whose call is the verb.

`Actions` lists them all by name, as functions, so that an edge sees what it may call and a test
may put anything of the same shape in its place. Every one may raise `Refused`, which says what
to do, or `Unavailable`, when an engine does not answer.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from hubbub.actions.provider_sign_in import Cookie, FromProvider, Leads
from hubbub.domain.account import Caller, Principal, Scope
from hubbub.ports import Unavailable
from hubbub_protocol import admin, rest
from hubbub_protocol.codes import Refused
from hubbub_protocol.frames import DeleteFor

__all__ = ["Actions", "Refused", "Unavailable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """Every verb. Ids come as text, and are checked by the verb; pages have 0 < limit <= 200."""

    # ── accounts ──
    authenticate: Callable[[str], Awaitable[Principal]]
    """An access token's principal."""
    authorize: Callable[[str, Scope | None, str | None], Awaitable[Principal]]
    """(server key, scope of the call, user for whom it acts): as whom the call is made."""
    register: Callable[[rest.Register, Caller], Awaitable[rest.SignedIn]]
    login: Callable[[rest.Login, Caller], Awaitable[rest.SignedIn]]
    refresh: Callable[[rest.Refresh], Awaitable[rest.SignedIn]]
    list_providers: Callable[[], rest.Providers]
    start_sign_in: Callable[[str, Mapping[str, str], Caller], Awaitable[Leads]]
    """(provider, cookies, caller): where the browser goes"""
    finish_sign_in: Callable[[str, FromProvider, Mapping[str, str], Caller], Awaitable[Leads]]
    """(provider, what it sends, cookies, caller): where the browser goes"""
    exchange_sign_in: Callable[
        [rest.Exchange, Mapping[str, str]], Awaitable[tuple[rest.SignedIn, Cookie]]
    ]
    """(code, cookies): tokens, and the cookie as it is to be now"""
    sign_out_of_provider: Callable[[str], Leads]
    logout: Callable[[Principal], Awaitable[None]]
    list_sessions: Callable[[Principal], Awaitable[rest.Sessions]]
    revoke_session: Callable[[Principal, str], Awaitable[None]]
    get_me: Callable[[Principal], Awaitable[rest.Account]]
    change_me: Callable[[Principal, rest.ChangeMe], Awaitable[None]]
    get_user: Callable[[Principal, str], Awaitable[rest.User]]
    find_user: Callable[[Principal, str], Awaitable[rest.UserPage]]
    """By exact user name: a page of one or none."""
    block_user: Callable[[Principal, str], Awaitable[None]]
    unblock_user: Callable[[Principal, str], Awaitable[None]]
    list_blocks: Callable[[Principal, int, str | None], Awaitable[rest.BlockPage]]
    """(principal, limit, cursor)"""
    put_user: Callable[[str, rest.PutUser], Awaitable[tuple[rest.User, bool]]]
    """(name, user): the user, and whether he was made now."""
    put_users: Callable[[rest.PutUsers], Awaitable[rest.UserPage]]
    create_invite: Callable[[Principal], Awaitable[rest.Invite]]

    # ── chats ──
    create_chat: Callable[[Principal, rest.CreateChat], Awaitable[tuple[rest.Chat, bool]]]
    """The chat, and whether it was made now (a direct chat may have been there)."""
    list_chats: Callable[[Principal, int, str | None], Awaitable[rest.ChatPage]]
    """(principal, limit, cursor)"""
    get_chat: Callable[[Principal, str], Awaitable[rest.Chat]]
    change_chat: Callable[[Principal, str, rest.ChangeChat], Awaitable[rest.Changed]]
    """(principal, chat_id, change)"""
    mute_chat: Callable[[Principal, str, rest.Mute], Awaitable[rest.Mute]]
    """(principal, chat_id, until when)"""
    list_members: Callable[[Principal, str, int, str | None], Awaitable[rest.MemberPage]]
    """(principal, chat_id, limit, cursor)"""
    add_members: Callable[[Principal, str, rest.AddMembers], Awaitable[rest.Changed]]
    remove_member: Callable[[Principal, str, str], Awaitable[rest.Changed]]
    """(principal, chat_id, user_id); himself: he leaves"""
    change_member: Callable[[Principal, str, str, rest.ChangeMember], Awaitable[rest.Changed]]
    """(principal, chat_id, user_id, change)"""
    leave_chat: Callable[[Principal, str], Awaitable[rest.Changed]]
    list_public_chats: Callable[[Principal, str, int, str | None], Awaitable[rest.PublicChatPage]]
    """(principal, text to search for, limit, cursor)"""
    get_public_chat: Callable[[Principal, str], Awaitable[rest.PublicChat]]
    join_chat: Callable[[Principal, str], Awaitable[rest.Chat]]
    create_chat_invite: Callable[
        [Principal, str, rest.CreateChatInvite], Awaitable[rest.NewChatInvite]
    ]
    """(principal, chat_id, request)"""
    list_chat_invites: Callable[[Principal, str], Awaitable[rest.ChatInvites]]
    end_chat_invite: Callable[[Principal, str, str], Awaitable[None]]
    """(principal, chat_id, invite_id)"""
    look_at_invite: Callable[[Principal, rest.InviteCode], Awaitable[rest.Invitation]]
    follow_invite: Callable[[Principal, rest.InviteCode], Awaitable[rest.Chat]]

    # ── messages ──
    list_messages: Callable[[Principal, str, str, str | None, int], Awaitable[rest.MessagePage]]
    """(principal, chat_id, direction `before` | `after` | `around`, message_id or None, limit)"""
    list_events: Callable[[Principal, str, int, int], Awaitable[rest.EventPage]]
    """(principal, chat_id, after, limit)"""
    list_my_events: Callable[[Principal, int, int], Awaitable[rest.EventPage]]
    """(principal, after, limit)"""
    send_message: Callable[[Principal, rest.SendMessage], Awaitable[rest.Accepted]]
    edit_message: Callable[[Principal, str, rest.EditMessage], Awaitable[rest.ChangedMessage]]
    """(principal, message_id, change)"""
    delete_message: Callable[[Principal, str, DeleteFor], Awaitable[rest.ChangedMessage]]
    """(principal, message_id, from whom it is taken away)"""
    pin_message: Callable[[Principal, str], Awaitable[rest.ChangedMessage]]
    unpin_message: Callable[[Principal, str], Awaitable[rest.ChangedMessage]]
    """(principal, message_id)"""
    add_reaction: Callable[[Principal, str, str], Awaitable[rest.ChangedMessage]]
    remove_reaction: Callable[[Principal, str, str], Awaitable[rest.ChangedMessage]]
    """(principal, message_id, emoji)"""
    list_reactions: Callable[[Principal, str, int, str | None], Awaitable[rest.ReactionPage]]
    """(principal, message_id, limit, cursor)"""
    list_edits: Callable[[Principal, str], Awaitable[rest.Edits]]
    """(principal, message_id)"""
    list_pins: Callable[[Principal, str], Awaitable[rest.Pins]]
    """(principal, chat_id)"""
    get_message: Callable[[Principal, str], Awaitable[rest.StoredMessage]]
    get_thread: Callable[[Principal, str, bool, int, str | None], Awaitable[rest.ThreadPage]]
    """(principal, message_id, whether the newest come first, limit, cursor)"""
    list_mentions: Callable[[Principal, int, str | None], Awaitable[rest.MentionPage]]
    """(principal, limit, cursor)"""
    mark_read: Callable[[Principal, str], Awaitable[rest.ReadDone]]
    """(principal, message_id)"""
    get_receipts: Callable[[Principal, str, int, str | None], Awaitable[rest.ReceiptPage]]
    """(principal, message_id, limit, cursor)"""
    sync: Callable[[Principal, rest.Sync, float], Awaitable[rest.Synced]]
    """(principal, places, seconds to wait for news)"""

    # ── looking after the server ──
    admit: Callable[[str], Awaitable[None]]
    """Whether the token is the operator's or an admin's; Refused otherwise."""
    trace_message: Callable[[str, int, str | None], Awaitable[admin.Trace]]
    """(message_id, limit, cursor)"""
    tail_user: Callable[[str, str | None, float], Awaitable[admin.Tail]]
    """(user name, cursor, seconds to wait for frames)"""
