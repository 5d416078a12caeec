"""A message on its way."""

import asyncio
from collections.abc import Generator
from typing import Any

from hubbub_client.errors import ClientClosed, SendRefused
from hubbub_client.events import MessageAccepted, SendFailed
from hubbub_protocol.codes import Code, Refused


class Pending:
    """A message that is in the outbox. Awaiting it waits for the server's answer:

    `MessageAccepted`, or SendRefused, or ClientClosed when the client is left before. Safe to
    cancel, and not awaiting it is fine.
    """

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        # A result either way: an exception that nobody fetches would be complained about.
        self._answer: asyncio.Future[MessageAccepted | SendFailed | None] = (
            asyncio.get_running_loop().create_future()
        )

    def done(self) -> bool:
        """Whether the answer is there."""
        return self._answer.done()

    def resolve(self, answer: MessageAccepted | SendFailed | None) -> None:
        """The answer came; None: the client was left."""
        if not self._answer.done():
            self._answer.set_result(answer)

    def __await__(self) -> Generator[Any, None, MessageAccepted]:
        answer = yield from asyncio.shield(self._answer).__await__()
        match answer:
            case MessageAccepted():
                return answer
            case SendFailed(client_id, code, message):
                known = code in {each.value for each in Code}
                raise SendRefused(
                    client_id, Refused(Code(code) if known else Code.INVALID, message)
                )
            case None:
                raise ClientClosed("the client was left; a stored outbox sends again next time")
