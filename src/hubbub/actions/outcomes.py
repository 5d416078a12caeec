"""What the store answers to a change of members, as its caller gets it."""

from hubbub.actions.references import no_chat
from hubbub.domain.change import Logged, Outcome
from hubbub_protocol import ids, rest


def changed(outcome: Outcome) -> rest.Changed:
    """The position that the change took, or the newest one where nothing changed.

    Raises Refused `not_found`: the chat or the member went away meanwhile.
    """
    if not isinstance(outcome, Logged):
        raise no_chat()
    return rest.Changed(ids.text("chat", outcome.chat_id), outcome.head.seq)
