"""Send a message: checked in form, allowed, then queued for the store.

REST and WebSocket use the same two steps: `Compose` at the edge, `accept` for a whole batch just
before it is committed, so that the order of one sender's messages is the order of the queue.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Protocol

from msgspec.structs import replace

from hubbub.actions.compose import NO_REPLY, Compose, at_least
from hubbub.actions.directory import Directory, UnknownNames
from hubbub.actions.forward import Forward
from hubbub.domain.account import Principal
from hubbub.domain.change import Mismatch, Missing, NewChat, Outcome, Post, Posted
from hubbub.domain.chat import ChatType, Found, direct_key, group_key
from hubbub.domain.draft import Draft
from hubbub.domain.extra import pack
from hubbub.domain.gate import Names, SendGate
from hubbub.domain.policy import (
    CANNOT_WRITE,
    may_mention_all,
    may_post,
    may_write,
    wait_to_post,
)
from hubbub.domain.relation import Pair, Relation
from hubbub.domain.roster import KnownChat, Roster
from hubbub.ports import ChatStore, Clock, Lookup, Relations
from hubbub_protocol import ids, rest
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.ids import IdMaker
from hubbub_protocol.times import rfc3339

NO_CHAT = "There is no such chat for you; look at GET /api/v1/chats."
Reach = dict[tuple[int, int], Relation | None]
"""How senders stand to recipients, by both; None: there is no such recipient."""
OUT_OF_ORDER = "An earlier message to this chat was refused; send that one again first."


class Waiter(Protocol):
    """What `accept` needs of who waits: his connection's gate, and which chat, for the gate."""

    @property
    def gate(self) -> SendGate | None:
        """Keeps the order of what one connection sends."""

    @property
    def target(self) -> Names:
        """The chat's names."""


class Accept:
    """Permission for a batch of drafts; one look-up for all chats that are not known."""

    def __init__(
        self,
        roster: Roster,
        store: ChatStore,
        relations: Relations,
        forward: Forward,
        maker: IdMaker,
        clock: Clock,
    ) -> None:
        self.alone = True
        """Whether nobody but this process changes chats."""
        self._roster = roster
        self._store = store
        self._relations = relations
        self._forward = forward
        self._make_id = maker.make
        self._clock = clock

    async def __call__(self, drafts: Sequence[tuple[Draft, Waiter]]) -> list[Post | Refused]:
        """A post or a refusal for each, in order. Raises Unavailable."""
        chats = [self._known(d) for d, _ in drafts]
        changes = {} if self.alone else {c.chat_id: c.changes for c in chats if c is not None}
        unknown = [d for (d, _), chat in zip(drafts, chats, strict=True) if chat is None]
        found = await self._look_up(unknown) if unknown else {}
        reach = await self._reach([d for d in unknown if d.recipients])
        forwards = await self._forward(unknown) if unknown else {}
        now = self._clock.monotonic()
        fresh: dict[Hashable, int] = {}
        verdicts: list[Post | Refused] = []
        for (draft, waiter), chat in zip(drafts, chats, strict=True):
            gate = waiter.gate
            if gate is not None and gate.refused:
                wait = gate.wait(waiter.target, draft.client_id, draft.id, now)
                if wait:
                    verdicts.append(Refused(Code.OVERLOADED, OUT_OF_ORDER, at_least(wait)))
                    continue
            if chat is not None:
                verdicts.append(_post(draft, chat.chat_id, None))
                continue
            ready = forwards.get(draft.id, draft)
            verdicts.append(
                ready
                if isinstance(ready, Refused)
                else self._decide(ready, found.get(draft.id), reach, fresh)
            )
        return verdicts if self.alone else [self._dated(v, changes) for v in verdicts]

    def _dated(self, verdict: Post | Refused, changes: dict[int, int]) -> Post | Refused:
        """With how its chat was when this was permitted: of all in a batch the earliest, so that
        none overtakes one that has to be asked anew.
        """
        if isinstance(verdict, Refused) or not verdict.chat_id:
            return verdict
        chat = self._roster.get(verdict.chat_id)
        known = changes.get(verdict.chat_id, chat.changes if chat is not None else 0)
        return replace(verdict, changes=known)

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

        He is in it, may send such a thing there at any time, and replies to nothing.
        """
        chat = self._chat(draft)
        if chat is None or draft.reply_to or not chat.free:
            return None
        if draft.extra is not None and draft.guarded:
            return None
        # The members of a large chat are not kept.
        return chat if draft.sender_id in chat.members or chat.has(draft.sender_id) else None

    async def _look_up(self, drafts: list[Draft]) -> dict[int, Found]:
        """Learn the chats; what was found for each draft, by their ids."""
        lookups = [
            Lookup(
                d.sender_id,
                d.chat_id,
                None if d.chat_id else _key(d),
                d.reply_to,
                d.client_id,
                d.guarded,
            )
            for d in drafts
        ]
        answers: dict[int, Found] = {}
        for draft, found in zip(drafts, await self._store.find(lookups), strict=True):
            if found is not None:
                self._roster.found(found, draft.sender_id)
                answers[draft.id] = found
        return answers

    async def _reach(self, drafts: list[Draft]) -> Reach:
        """How senders stand to the recipients of chats that are not there yet."""
        new = [d for d in drafts if self._chat(d) is None]
        pairs = [Pair(d.sender_id, r) for d in new for r in sorted(d.recipients or frozenset())]
        if not pairs:
            return {}
        found = await self._relations.relations(pairs)
        return {(p.user_id, p.other_id): r for p, r in zip(pairs, found, strict=True)}

    def _decide(
        self,
        draft: Draft,
        found: Found | None,
        reach: Reach,
        fresh: dict[Hashable, int],
    ) -> Post | Refused:
        chat = self._chat(draft)
        thread_id = 0 if found is None else found.thread_id
        known = found is not None and found.known
        if draft.reply_to and not thread_id and not known:
            return Refused(Code.NOT_FOUND, NO_REPLY)
        if chat is not None:
            if not chat.has(draft.sender_id) and not known:
                return Refused(Code.NOT_FOUND, NO_CHAT)
            refused = None if found is None else self._restrained(draft, found, fresh)
            return refused or _post(draft, chat.chat_id, None, thread_id)
        if draft.recipients is None:
            return Refused(Code.NOT_FOUND, NO_CHAT)
        for recipient in sorted(draft.recipients):
            relation = reach.get((draft.sender_id, recipient))
            if relation is None:
                name = ids.text("user", recipient)
                return Refused(Code.NOT_FOUND, f"recipient_ids: there is no user {name}.")
            if denied := may_write(relation):
                return Refused(Code(denied.kind), denied.why)
        members = tuple(sorted(draft.recipients | {draft.sender_id}))
        kind: ChatType = "direct" if len(members) == 2 else "group"
        new = NewChat(self._make_id(), kind, _key(draft), None, "joined", draft.sender_id, members)
        return _post(draft, 0, new)

    def _restrained(self, draft: Draft, found: Found, fresh: dict[Hashable, int]) -> Refused | None:
        """What the group's settings say, or the stance of a direct chat's other one.

        A message that is stored already is only answered again.

        `fresh`: when who sent where in this batch, and each message of it.
        """
        chat, role, sender = found.chat, found.role, draft.sender_id
        if role is None or found.known:
            return None
        everybody = draft.extra is not None and draft.extra.mention_all
        if everybody and (denied := may_mention_all(chat, role)):
            return Refused(Code(denied.kind), denied.why)
        if found.free or (sender, draft.client_id) in fresh:
            return None
        if found.shut:
            return Refused(Code(CANNOT_WRITE.kind), CANNOT_WRITE.why)
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


def _post(draft: Draft, chat_id: int, new: NewChat | None, thread_id: int = 0) -> Post:
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
        thread_id,
        pack(draft.extra),
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
