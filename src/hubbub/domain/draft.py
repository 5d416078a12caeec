"""A message on its way in: checked in form, not yet allowed, not yet stored."""

from msgspec import Struct

from hubbub.domain.extra import Extra


class Draft(Struct, frozen=True, gc=False):
    """What a sender wants to say. Either `chat_id`, or `recipients` (without himself) to find it.

    `at` is Unix ms, `client_id` the UUID's bytes or None, `media` JSON or empty.
    """

    id: int
    at: int
    sender_id: int
    client_id: bytes | None
    chat_id: int
    recipients: frozenset[int] | None
    type: str
    content: str
    media: bytes
    reply_to: int
    extra: Extra | None = None

    @property
    def guarded(self) -> bool:
        """Whether it may not be for this sender to send, wherever he may send others."""
        return self.extra is not None and bool(self.extra.mention_all or self.extra.forward)
