"""Send a message: checked in form, allowed, then queued for the store.

REST and WebSocket use the same two steps: `draft` at the edge, `accept` for a whole batch just
before it is committed, so that the order of one sender's messages is the order of the queue.
"""

import math
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Protocol

import msgspec

from hubbub.actions.directory import Directory, UnknownNames
from hubbub.domain.account import Principal
from hubbub.domain.change import Mismatch, Missing, NewChat, Outcome, Post, Posted
from hubbub.domain.chat import ChatType, Found, direct_key, group_key
from hubbub.domain.draft import Draft
from hubbub.domain.gate import Names, SendGate
from hubbub.domain.limits import Buckets, MessageLimits, client_uuid
from hubbub.domain.policy import may_post, wait_to_post
from hubbub.domain.roster import KnownChat, Roster
from hubbub.ports import Accounts, ChatStore, Clock, Lookup
from hubbub_protocol import frames, ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import BadId, IdMaker
from hubbub_protocol.times import rfc3339

NO_CHAT = "There is no such chat for you; look at GET /api/v1/chats."
NO_REPLY = "reply_to names no message of this chat that you can see."
OUT_OF_ORDER = "An earlier message to this chat was refused; send that one again first."


class Waiter(Protocol):
    """What `accept` needs of who waits: his connection's gate, and which chat, for the gate."""

    @property
    def gate(self) -> SendGate | None:
        """Keeps the order of what one connection sends."""

    @property
    def target(self) -> Names:
        """The chat's names."""


class Compose:
    """A frame or a body to a draft: everything that can be checked without the store."""

    def __init__(
        self,
        limits: MessageLimits,
        maker: IdMaker,
        clock: Clock,
        buckets: Buckets,
        on_limited: Callable[[Refused], None],
        directory: Directory,
    ) -> None:
        """`on_limited` counts the sends that came too fast."""
        self._limits = limits
        self._make_id = maker.make_at
        self._clock = clock
        self._buckets = buckets
        self._on_limited = on_limited
        self._directory = directory

    def __call__(self, user_id: int, asked: frames.Send | rest.SendMessage) -> Draft:
        """The draft. Raises Refused: `invalid`, `too_large`, …; UnknownNames."""
        client_id = self._check(asked)
        chat_id, recipients = self._where(user_id, asked)
        now = self._clock.now_ms()
        return Draft(
            self._make_id(now),
            now,
            user_id,
            client_id,
            chat_id,
            recipients,
            asked.message_type,
            asked.content,
            msgspec.json.encode(asked.media) if asked.media else b"",
            0 if asked.reply_to is None else _id("msg", asked.reply_to, "reply_to"),
        )

    def limit(self, user_id: int) -> None:
        """Count a message or a change of one. Raises Refused `rate_limited`."""
        if wait := self._buckets.take(user_id, self._clock.monotonic()):
            refusal = Refused(
                Code.RATE_LIMITED, "You send too fast; wait a moment.", _at_least(wait)
            )
            self._on_limited(refusal)
            raise refusal

    def _check(self, asked: frames.Send | rest.SendMessage) -> bytes | None:
        content, media = asked.content, asked.media
        if not content and not media:
            raise Refused(Code.INVALID, "The message is empty; give content or media.")
        check_content(content, self._limits.content_bytes)
        if media:
            check_media(media, self._limits.media)
        if asked.client_id is None:
            return None
        client_id = client_uuid(asked.client_id)
        if client_id is None:
            raise Refused(Code.INVALID, "client_id is not a UUID (36 characters with hyphens).")
        return client_id

    def _where(
        self, user_id: int, asked: frames.Send | rest.SendMessage
    ) -> tuple[int, frozenset[int] | None]:
        if (asked.chat_id is None) == (asked.recipient_ids is None):
            raise Refused(Code.INVALID, "Give either chat_id or recipient_ids.")
        if asked.chat_id is not None:
            return _id("chat", asked.chat_id, "chat_id"), None
        most, named = self._limits.recipients, set(asked.recipient_ids or [])
        if most and len(named) > most + 1:  # one may be the sender
            raise _too_many(most)
        try:
            recipients = frozenset(self._directory.numbers(list(named))) - {user_id}
        except BadId as error:
            raise Refused(Code.INVALID, f"recipient_ids: {error}.") from None
        if most and len(recipients) > most:
            raise _too_many(most)
        if not recipients:
            raise Refused(Code.INVALID, "recipient_ids names nobody but yourself.")
        return 0, recipients


def _too_many(most: int) -> Refused:
    return Refused(Code.INVALID, f"recipient_ids has more than {most}; create a group instead.")


def _at_least(seconds: float) -> float:
    """In milliseconds, rounded up: who comes back then is not too early."""
    return math.ceil(seconds * 1000) / 1000


def _id(kind: ids.Kind, value: str, where: str) -> int:
    try:
        return ids.parse(kind, value)
    except BadId as error:
        raise Refused(Code.INVALID, f"{where}: {error}.") from None


def check_content(content: str, most: int) -> None:
    """Raises Refused `too_large`. `most` bytes, 0 is no limit."""
    if most and len(content) * 4 > most and len(content.encode()) > most:
        raise Refused(Code.TOO_LARGE, f"content has more than {most} bytes of UTF-8.")


def check_media(media: list[frames.Media], most: int) -> None:
    """Raises Refused `invalid`. `most` 0 is no limit."""
    if most and len(media) > most:
        raise Refused(Code.INVALID, f"The message has more than {most} media.")
    for medium in media:
        if medium.media_id is not None:
            raise Refused(Code.INVALID, "media_id: this server stores no media; give a url.")
        if medium.url is None or medium.type is None:
            raise Refused(Code.INVALID, "A medium has a type and a url.")
        if not medium.url.startswith(("https://", "http://")):
            raise Refused(Code.INVALID, "A medium's url begins with https:// or http://.")


class Accept:
    """Permission for a batch of drafts; one look-up for all chats that are not known."""

    def __init__(
        self,
        roster: Roster,
        store: ChatStore,
        accounts: Accounts,
        maker: IdMaker,
        clock: Clock,
    ) -> None:
        self._roster = roster
        self._store = store
        self._accounts = accounts
        self._make_id = maker.make
        self._clock = clock

    async def __call__(self, drafts: Sequence[tuple[Draft, Waiter]]) -> list[Post | Refused]:
        """A post or a refusal for each, in order. Raises Unavailable."""
        chats = [self._known(d) for d, _ in drafts]
        unknown = [d for (d, _), chat in zip(drafts, chats, strict=True) if chat is None]
        found = await self._look_up(unknown) if unknown else {}
        strangers = await self._strangers([d for d in unknown if d.recipients])
        now = self._clock.monotonic()
        fresh: dict[Hashable, int] = {}
        verdicts: list[Post | Refused] = []
        for (draft, waiter), chat in zip(drafts, chats, strict=True):
            gate = waiter.gate
            if gate is not None and gate.refused:
                wait = gate.wait(waiter.target, draft.client_id, draft.id, now)
                if wait:
                    verdicts.append(Refused(Code.OVERLOADED, OUT_OF_ORDER, _at_least(wait)))
                    continue
            if chat is not None:
                verdicts.append(_post(draft, chat.chat_id, None))
            else:
                verdicts.append(self._decide(draft, found.get(draft.id), strangers, fresh))
        return verdicts

    def target(self, draft: Draft) -> Names:
        """By what the draft's chat is known, for a connection's gate."""
        chat = self._chat(draft)
        return (draft.chat_id or _key(draft),) if chat is None else chat.names

    def _chat(self, draft: Draft) -> KnownChat | None:
        if draft.chat_id:
            return self._roster.get(draft.chat_id)
        return self._roster.by_key(_key(draft))

    def _known(self, draft: Draft) -> KnownChat | None:
        """The chat, where nothing else is to be known.

        He is in it, may send there at any time, and replies to nothing.
        """
        chat = self._chat(draft)
        if chat is None or draft.reply_to or not chat.free:
            return None
        # The members of a large chat are not kept.
        return chat if draft.sender_id in chat.members or chat.has(draft.sender_id) else None

    async def _look_up(self, drafts: list[Draft]) -> dict[int, Found]:
        """Learn the chats; what was found for each draft, by their ids."""
        lookups = [
            Lookup(d.sender_id, d.chat_id, None if d.chat_id else _key(d), d.reply_to, d.client_id)
            for d in drafts
        ]
        answers: dict[int, Found] = {}
        for draft, found in zip(drafts, await self._store.find(lookups), strict=True):
            if found is not None:
                self._roster.found(found, draft.sender_id)
                answers[draft.id] = found
        return answers

    async def _strangers(self, drafts: list[Draft]) -> frozenset[int]:
        """Recipients who do not exist."""
        named = {r for d in drafts if self._chat(d) is None for r in d.recipients or frozenset()}
        if not named:
            return frozenset()
        return frozenset(named - {u.id for u in await self._accounts.users(sorted(named))})

    def _decide(
        self,
        draft: Draft,
        found: Found | None,
        strangers: frozenset[int],
        fresh: dict[Hashable, int],
    ) -> Post | Refused:
        chat = self._chat(draft)
        if draft.reply_to and (found is None or not found.reply_visible):
            return Refused(Code.NOT_FOUND, NO_REPLY)
        if chat is not None:
            if not chat.has(draft.sender_id):
                return Refused(Code.NOT_FOUND, NO_CHAT)
            refused = None if found is None else self._restrained(draft, found, fresh)
            return refused or _post(draft, chat.chat_id, None)
        if draft.recipients is None:
            return Refused(Code.NOT_FOUND, NO_CHAT)
        if missing := draft.recipients & strangers:
            names = ", ".join(ids.text("user", m) for m in sorted(missing)[:5])
            return Refused(Code.NOT_FOUND, f"recipient_ids: there is no user {names}.")
        members = tuple(sorted(draft.recipients | {draft.sender_id}))
        kind: ChatType = "direct" if len(members) == 2 else "group"
        new = NewChat(self._make_id(), kind, _key(draft), None, "joined", draft.sender_id, members)
        return _post(draft, 0, new)

    def _restrained(self, draft: Draft, found: Found, fresh: dict[Hashable, int]) -> Refused | None:
        """What the group's settings say. One that is stored already is only answered again.

        `fresh`: when who sent where in this batch, and each message of it.
        """
        chat, role, sender = found.chat, found.role, draft.sender_id
        if chat.free or role is None or found.known or (sender, draft.client_id) in fresh:
            return None
        if denied := may_post(chat, role):
            return Refused(Code(denied.kind), denied.why)
        last = max(found.sent_at, fresh.get((sender, chat.id), 0))
        if wait := wait_to_post(chat, role, last, self._clock.now_ms()):
            why = f"Slow mode: one message every {chat.slow_seconds} s in this group."
            return Refused(Code.RATE_LIMITED, why, wait / 1000)
        fresh[sender, chat.id] = draft.at
        if draft.client_id is not None:
            fresh[sender, draft.client_id] = draft.at
        return None


def _key(draft: Draft) -> str:
    recipients = draft.recipients or frozenset()
    if len(recipients) == 1:
        return direct_key(draft.sender_id, next(iter(recipients)))
    return group_key(recipients | {draft.sender_id})


def _post(draft: Draft, chat_id: int, new: NewChat | None) -> Post:
    return Post(
        draft.id,
        chat_id,
        new,
        draft.sender_id,
        draft.client_id,
        draft.at,
        draft.type,
        draft.content,
        draft.media,
        draft.reply_to,
    )


def refusal(outcome: Outcome) -> Refused:
    """Why a committed batch did not contain this post."""
    match outcome:
        case Mismatch():
            return Refused(
                Code.IDEMPOTENCY_MISMATCH,
                "This client_id was used before for another message; make a new one.",
            )
        case Missing():
            return Refused(Code.NOT_FOUND, NO_CHAT)
        case _:
            raise TypeError(f"{outcome} refuses nothing")


class SendMessage:
    """The REST verb."""

    def __init__(
        self,
        compose: Compose,
        put: Callable[[Draft], Awaitable[Outcome]],
        directory: Directory,
    ) -> None:
        self._compose = compose
        self._put = put
        self._directory = directory

    async def __call__(self, principal: Principal, asked: rest.SendMessage) -> rest.Accepted:
        """Raises Refused. Cancelling is safe; the message may then be stored or not."""
        draft = await self._draft(principal, asked)
        self._compose.limit(draft.sender_id)
        outcome = await self._put(draft)
        if not isinstance(outcome, Posted):
            raise refusal(outcome)
        return rest.Accepted(
            ids.text("msg", outcome.id), rfc3339(outcome.at), ids.text("chat", outcome.chat_id)
        )

    async def _draft(self, principal: Principal, asked: rest.SendMessage) -> Draft:
        while True:
            try:
                return self._compose(principal.user_id, asked)
            except UnknownNames as unknown:
                await self._directory.learn(unknown.names)
