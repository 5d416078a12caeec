"""The REST calls of spec section 3, typed and thin.

Every call raises `Refused` (the server said no: code, sentence, retry_after), `Unreachable`
(no answer; it may have been carried out) or `SignedOut`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from hubbub_client.errors import Unreachable
from hubbub_client.transport import Response, Transport
from hubbub_protocol import rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.frames import ME, DeleteFor, Media

T = TypeVar("T")

ROOT = "/api/v1"


def refusal(response: Response) -> Refused:
    """The problem document of an answer; one is made up where a proxy answered without."""
    try:
        problem = msgspec.json.decode(response.body, type=rest.Problem)
    except msgspec.DecodeError:
        sentence = f"The server answered with HTTP {response.status}."
        return Refused(_code_of(response.status), sentence)
    known = problem.code in {code.value for code in Code}
    code = Code(problem.code) if known else _code_of(response.status)
    return Refused(code, problem.detail, problem.retry_after)


def _code_of(status: int) -> Code:
    if status in (502, 504):
        return Code.UNAVAILABLE
    for code in Code:
        if code.http_status == status:
            return code
    return Code.INTERNAL if status >= 500 else Code.INVALID


def decode(response: Response, kind: type[T]) -> T:
    """The body of a successful answer. Raises Refused, Unreachable (not our server's answer)."""
    if not 200 <= response.status < 300:
        raise refusal(response)
    try:
        return msgspec.json.decode(response.body, type=kind)
    except msgspec.DecodeError as error:
        raise Unreachable(f"the answer is not Hubbub's: {error}") from error


def path(*parts: str, **query: str | int | None) -> str:
    """A path below `/api/v1`, each part quoted; query values that are None are left out."""
    given = {name: value for name, value in query.items() if value is not None}
    return "/".join([ROOT, *(quote(part, safe="") for part in parts)]) + (
        "?" + urlencode(given) if given else ""
    )


async def sign_in(
    transport: Transport, call: str, body: rest.Register | rest.Login | rest.Refresh
) -> rest.SignedIn:
    """`register`, `login` or `refresh`. Raises Refused, Unreachable."""
    encoded = msgspec.json.encode(body)
    return decode(await transport.request("POST", path("auth", call), None, encoded), rest.SignedIn)


class Api:
    """The calls of a signed-in user. `token` gives the access token; `renew` a newer one."""

    def __init__(
        self,
        transport: Transport,
        token: Callable[[], str],
        renew: Callable[[str], Awaitable[str]],
    ) -> None:
        self._transport = transport
        self._token = token
        self._renew = renew

    async def call(
        self, method: str, where: str, kind: type[T], body: msgspec.Struct | None = None
    ) -> T:
        """One call; an expired token is renewed and the call repeated once."""
        return decode(await self._request(method, where, body), kind)

    async def do(self, method: str, where: str) -> None:
        """One call without an answer (204)."""
        response = await self._request(method, where, None)
        if not 200 <= response.status < 300:
            raise refusal(response)

    async def _request(self, method: str, where: str, body: msgspec.Struct | None) -> Response:
        encoded = None if body is None else msgspec.json.encode(body)
        token = self._token() or await self._renew("")
        response = await self._transport.request(method, where, token, encoded)
        if response.status == 401:
            token = await self._renew(token)
            response = await self._transport.request(method, where, token, encoded)
        return response

    # ── account ──────────────────────────────────────────────────────────────────────────────

    async def me(self) -> rest.Account:
        """The user himself, with what he shows."""
        return await self.call("GET", path("me"), rest.Account)

    async def change_privacy(self, change: rest.ChangePrivacy) -> rest.Account:
        """Change what the user shows, and who may begin to write; what is left out stays."""
        return await self.call("PATCH", path("me"), rest.Account, rest.ChangeMe(privacy=change))

    async def change_name(self, display_name: str) -> rest.Account:
        """Call the user something else; raises Refused `forbidden` where the name comes from who
        signs the user in.
        """
        change = rest.ChangeMe(display_name)
        return await self.call("PATCH", path("me"), rest.Account, change)

    async def block(self, user_id: str) -> None:
        """Block a user: neither can write to the other, or see whether the other is here."""
        await self.do("PUT", path("users", user_id, "block"))

    async def unblock(self, user_id: str) -> None:
        """Do not block a user any more."""
        await self.do("DELETE", path("users", user_id, "block"))

    async def blocks(self, limit: int = 100, cursor: str | None = None) -> rest.BlockPage:
        """A page of the users whom the user has blocked."""
        return await self.call("GET", path("blocks", limit=limit, cursor=cursor), rest.BlockPage)

    async def user(self, user_id: str) -> rest.User:
        """A user by id."""
        return await self.call("GET", path("users", user_id), rest.User)

    async def find_user(self, username: str) -> rest.User | None:
        """A user by exact name."""
        page = await self.call("GET", path("users", username=username), rest.UserPage)
        return page.users[0] if page.users else None

    async def sessions(self) -> list[rest.Session]:
        """The user's sessions, most recently used first."""
        return (await self.call("GET", path("sessions"), rest.Sessions)).sessions

    async def revoke_session(self, session_id: str) -> None:
        """End a session; its connections close at once."""
        await self.do("DELETE", path("sessions", session_id))

    async def logout(self) -> None:
        """End this session."""
        await self.do("POST", path("auth", "logout"))

    async def invite(self) -> rest.Invite:
        """A link that lets somebody register."""
        return await self.call("POST", path("invites"), rest.Invite)

    # ── chats ────────────────────────────────────────────────────────────────────────────────

    async def chats(self, limit: int = 50, cursor: str | None = None) -> rest.ChatPage:
        """The user's chats by last activity."""
        return await self.call("GET", path("chats", limit=limit, cursor=cursor), rest.ChatPage)

    async def chat(self, chat_id: str) -> rest.Chat:
        """One chat."""
        return await self.call("GET", path("chats", chat_id), rest.Chat)

    async def create_group(
        self,
        title: str,
        member_ids: Sequence[str] = (),
        history: Literal["joined", "all"] = "joined",
    ) -> rest.Chat:
        """A named group with these members and the user as its owner."""
        body = rest.CreateChat("group", title, list(member_ids), history)
        return await self.call("POST", path("chats"), rest.Chat, body)

    async def open_direct(self, user_id: str) -> rest.Chat:
        """The direct chat with this user, made if there is none."""
        body = rest.CreateChat("direct", None, [user_id])
        return await self.call("POST", path("chats"), rest.Chat, body)

    async def members(
        self, chat_id: str, limit: int = 100, cursor: str | None = None
    ) -> rest.MemberPage:
        """The members of a chat and how far they are, in the order of their ids."""
        where = path("chats", chat_id, "members", limit=limit, cursor=cursor)
        return await self.call("GET", where, rest.MemberPage)

    async def add_members(self, chat_id: str, member_ids: Sequence[str]) -> rest.Changed:
        """Add users to a group."""
        where = path("chats", chat_id, "members")
        return await self.call("POST", where, rest.Changed, rest.AddMembers(list(member_ids)))

    async def remove_member(self, chat_id: str, user_id: str) -> rest.Changed:
        """Remove a member from a group."""
        return await self.call("DELETE", path("chats", chat_id, "members", user_id), rest.Changed)

    async def change_role(self, chat_id: str, user_id: str, role: rest.Role) -> rest.Changed:
        """Give a member another role."""
        where = path("chats", chat_id, "members", user_id)
        return await self.call("PATCH", where, rest.Changed, rest.ChangeMember(role))

    async def change_chat(self, chat_id: str, change: rest.ChangeChat) -> rest.Changed:
        """Change settings of a group; those that are left out stay."""
        return await self.call("PATCH", path("chats", chat_id), rest.Changed, change)

    async def mute(self, chat_id: str, until: str | None) -> None:
        """Do not be disturbed by a chat until a time (RFC 3339); None: be disturbed again."""
        where = path("chats", chat_id, "mute")
        await self.call("PUT", where, rest.Mute, rest.Mute(until))

    async def leave(self, chat_id: str) -> rest.Changed:
        """Leave a group."""
        return await self.call("POST", path("chats", chat_id, "leave"), rest.Changed)

    # ── coming in oneself ────────────────────────────────────────────────────────────────────

    async def public_chats(
        self, text: str = "", limit: int = 50, cursor: str | None = None
    ) -> rest.PublicChatPage:
        """Public groups with the text in title or description, the largest first."""
        where = path("chats", "public", q=text or None, limit=limit, cursor=cursor)
        return await self.call("GET", where, rest.PublicChatPage)

    async def public_chat(self, chat_id: str) -> rest.PublicChat:
        """One public group, as it shows itself to who is not in it."""
        return await self.call("GET", path("chats", "public", chat_id), rest.PublicChat)

    async def join(self, chat_id: str) -> rest.Chat:
        """Come into a public group; repeating it is safe."""
        return await self.call("POST", path("chats", chat_id, "join"), rest.Chat)

    async def create_invite(
        self, chat_id: str, expires_in: int | None = 7 * 86_400, max_uses: int | None = None
    ) -> rest.NewChatInvite:
        """A link into a group. `expires_in` seconds; None: never, any number of people."""
        body = rest.CreateChatInvite(expires_in, max_uses)
        where = path("chats", chat_id, "invites")
        return await self.call("POST", where, rest.NewChatInvite, body)

    async def invites(self, chat_id: str) -> list[rest.ChatInvite]:
        """A group's invites, newest first."""
        where = path("chats", chat_id, "invites")
        return (await self.call("GET", where, rest.ChatInvites)).invites

    async def end_invite(self, chat_id: str, invite_id: str) -> None:
        """Nobody comes in by this invite any more."""
        await self.do("DELETE", path("chats", chat_id, "invites", invite_id))

    async def look_at_invite(self, code: str) -> rest.Invitation:
        """Where an invite leads."""
        where = path("invites", "look")
        return await self.call("POST", where, rest.Invitation, rest.InviteCode(code))

    async def follow_invite(self, code: str) -> rest.Chat:
        """Come into a group by an invite; repeating it is safe while the invite is good."""
        where = path("invites", "join")
        return await self.call("POST", where, rest.Chat, rest.InviteCode(code))

    # ── messages ─────────────────────────────────────────────────────────────────────────────

    async def history(
        self,
        chat_id: str,
        before: str | None = None,
        after: str | None = None,
        around: str | None = None,
        limit: int = 50,
    ) -> rest.MessagePage:
        """A page of messages, newest first. `before`, `after`, `around`: a message's id."""
        where = path(
            "chats",
            chat_id,
            "messages",
            limit=limit,
            before_id=before,
            after_id=after,
            around_id=around,
        )
        return await self.call("GET", where, rest.MessagePage)

    async def message(self, message_id: str) -> rest.StoredMessage:
        """One message with its status."""
        return await self.call("GET", path("messages", message_id), rest.StoredMessage)

    async def thread(
        self,
        message_id: str,
        limit: int = 50,
        cursor: str | None = None,
        *,
        newest_first: bool = False,
    ) -> rest.ThreadPage:
        """A page of the thread that a message began or belongs to."""
        order = "newest" if newest_first else "oldest"
        where = path("messages", message_id, "thread", order=order, limit=limit, cursor=cursor)
        return await self.call("GET", where, rest.ThreadPage)

    async def mentions(self, limit: int = 50, cursor: str | None = None) -> rest.MentionPage:
        """Messages of all chats that mention the user, newest first."""
        return await self.call(
            "GET", path("mentions", limit=limit, cursor=cursor), rest.MentionPage
        )

    async def edit(
        self,
        message_id: str,
        content: str | None = None,
        media: Sequence[Media] | None = None,
        *,
        mentions: Sequence[str] | None = None,
        mention_all: bool | None = None,
    ) -> rest.ChangedMessage:
        """Change what an own message says; what is left out stays. Repeating it is safe."""
        links = None if media is None else list(media)
        named = None if mentions is None else list(mentions)
        body = rest.EditMessage(content, links, named, mention_all)
        return await self.call("PATCH", path("messages", message_id), rest.ChangedMessage, body)

    async def delete(self, message_id: str, *, for_: DeleteFor = "everyone") -> rest.ChangedMessage:
        """Take a message away from everyone, its place stays; or for good from the user alone.

        Repeating it is safe.
        """
        where = path("messages", message_id, **{"for": for_})
        return await self.call("DELETE", where, rest.ChangedMessage)

    async def pin(self, message_id: str, pinned: bool = True) -> rest.ChangedMessage:
        """Pin a message in its chat, or no more. Repeating it is safe."""
        where = path("messages", message_id, "pin")
        return await self.call("PUT" if pinned else "DELETE", where, rest.ChangedMessage)

    async def react(self, message_id: str, emoji: str, on: bool = True) -> rest.ChangedMessage:
        """Put an emoji to a message, or take one's own away. Repeating it is safe."""
        where = path("messages", message_id, "reactions", emoji)
        return await self.call("PUT" if on else "DELETE", where, rest.ChangedMessage)

    async def reactions(
        self, message_id: str, limit: int = 50, cursor: str | None = None
    ) -> rest.ReactionPage:
        """Who has reacted to a message, with what and when, by user."""
        where = path("messages", message_id, "reactions", limit=limit, cursor=cursor)
        return await self.call("GET", where, rest.ReactionPage)

    async def edits(self, message_id: str) -> list[rest.Version]:
        """What a message said before it was edited, newest first."""
        return (await self.call("GET", path("messages", message_id, "edits"), rest.Edits)).edits

    async def pins(self, chat_id: str) -> list[rest.StoredMessage]:
        """A chat's pinned messages; those pinned last come first."""
        return (await self.call("GET", path("chats", chat_id, "pins"), rest.Pins)).messages

    async def receipts(
        self, message_id: str, limit: int = 100, cursor: str | None = None
    ) -> rest.ReceiptPage:
        """Who got and read a message, when; only for its sender."""
        where = path("messages", message_id, "receipts", limit=limit, cursor=cursor)
        return await self.call("GET", where, rest.ReceiptPage)

    async def events(self, log: str, after: int, limit: int = 200) -> rest.EventPage:
        """The folded log (a chat's id, or "me") after a position."""
        parts = (ME,) if log == ME else ("chats", log)
        where = path(*parts, "events", after=after, limit=limit)
        return await self.call("GET", where, rest.EventPage)
