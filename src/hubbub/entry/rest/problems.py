"""What went wrong, as RFC 9457 problem documents."""

import math
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import msgspec

from hubbub.actions import Refused
from hubbub.entry.rest.exchange import NO_STORE, Exchange, Header
from hubbub_protocol import rest
from hubbub_protocol.codes import Code

PROBLEM_JSON: Final = b"application/problem+json"
_encode = msgspec.json.Encoder().encode


async def answer_problem(
    exchange: Exchange, refused: Refused, headers: Iterable[Header] = ()
) -> None:
    """Answer with the problem document of this refusal."""
    status = refused.code.http_status
    problem = rest.Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=refused.code.value,
        detail=refused.message,
        retry_after=refused.retry_after,
        request_id=exchange.request_id,
    )
    more: list[Header] = [NO_STORE, *headers]
    if status == HTTPStatus.UNAUTHORIZED:
        more.append((b"www-authenticate", b'Bearer realm="hubbub"'))
    if refused.retry_after is not None:
        more.append((b"retry-after", str(max(1, math.ceil(refused.retry_after))).encode()))
    await exchange.answer(status, PROBLEM_JSON, _encode(problem), more)


def not_found() -> Refused:
    """No such path."""
    return Refused(Code.NOT_FOUND, "There is nothing here; the calls are listed at /docs.")


def unavailable() -> Refused:
    """An engine does not answer."""
    return Refused(Code.UNAVAILABLE, "The server cannot do this now; try again.", 1.0)


def internal() -> Refused:
    """A fault of ours."""
    return Refused(
        Code.INTERNAL, "The server made a mistake; its log tells more under this request_id."
    )
