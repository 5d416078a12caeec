"""Messages and changes of messages on their way from a WebSocket, waiting for their outcomes."""

from collections.abc import Callable
from typing import Protocol

from msgspec import UNSET

from hubbub.actions import Refused
from hubbub.actions.outcomes import amended
from hubbub.domain.change import Amend, Outcome
from hubbub.domain.draft import Draft
from hubbub.domain.gate import Names, SendGate
from hubbub.present import chat_ref, message_ref
from hubbub_protocol import frames
from hubbub_protocol.times import rfc3339

Say = Callable[[object], None]


class Sender(Protocol):
    """The session that a message was sent on."""

    def answer(self, client_id: str, outcome: Outcome) -> None:
        """It is committed."""

    def refuse(self, client_id: str, refusal: Refused) -> None:
        """It is not carried out."""


class Sending:
    """A message sent on a connection, which waits for its outcome (ingest's Waiting)."""

    __slots__ = ("_client_id", "_session", "gate", "request", "since", "target")

    def __init__(
        self, session: Sender, client_id: str, draft: Draft, gate: SendGate, target: Names
    ) -> None:
        self._session = session
        self._client_id = client_id
        self.request = draft
        self.since = 0.0
        self.gate = gate
        self.target = target  # while its chat is known: it may be forgotten until it is refused

    def answer(self, outcome: Outcome) -> None:
        """See Waiting."""
        self._session.answer(self._client_id, outcome)

    def refuse(self, refusal: Refused) -> None:
        """See Waiting."""
        self._session.refuse(self._client_id, refusal)


class Changing:
    """A change on its way, which waits for its outcome (ingest's Waiting).

    `answer` says what goes out with the commit's own frames, `refuse` what goes out at once.
    """

    __slots__ = ("_answer", "_ref", "_refuse", "gate", "request", "since", "target")

    def __init__(self, ref: str | None, change: Amend, answer: Say, refuse: Say) -> None:
        self._ref = ref
        self._answer = answer
        self._refuse = refuse
        self.request = change
        self.since = 0.0
        self.gate: SendGate | None = None
        self.target: Names = ()

    def answer(self, outcome: Outcome) -> None:
        """See Waiting."""
        try:
            row = amended(outcome).row
        except Refused as refusal:
            self.refuse(refusal)
            return
        ref = UNSET if self._ref is None else self._ref
        message, chat = message_ref(row.id), chat_ref(row.chat_id)
        self._answer(frames.Ack(message, chat, rfc3339(row.at), ref=ref, rev=row.rev))

    def refuse(self, refusal: Refused) -> None:
        """See Waiting."""
        self._refuse(refused(refusal, self._ref))


def refused(refusal: Refused, ref: str | None) -> frames.Error:
    """A refusal as a frame. `ref`: the client_id of a send, the ref of a change."""
    return frames.Error(refusal.code.value, refusal.message, ref, refusal.retry_after)
