"""What the store answers to a change of a chat or a message, as its caller gets it."""

from hubbub.actions.references import check, no_chat, no_message
from hubbub.domain.change import Amended, Denied, Logged, Outcome
from hubbub_protocol import ids, rest


def changed(outcome: Outcome) -> rest.Changed:
    """The position that the change took, or the newest one where nothing changed.

    Raises Refused: `not_found` when the chat or the member went away meanwhile, or what the store
    denies.
    """
    if isinstance(outcome, Denied):
        check(outcome)
    if not isinstance(outcome, Logged):
        raise no_chat()
    return rest.Changed(ids.text("chat", outcome.chat_id), outcome.head.seq)


def amended(outcome: Outcome) -> Amended:
    """The message that was changed. Raises Refused: `not_found`, or what the store denies."""
    if isinstance(outcome, Denied):
        check(outcome)
    if not isinstance(outcome, Amended):
        raise no_message()
    return outcome
