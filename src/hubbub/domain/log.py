"""The rule of the log: who gets which position (G2, G3).

Every store loads what `assign` needs, and saves what it says; none decides by itself.
"""

from collections.abc import Iterable, MutableMapping

from msgspec import Struct
from msgspec.structs import replace

from hubbub.domain.change import Mismatch, Post, Posted
from hubbub.domain.chat import Head
from hubbub.domain.extra import unpack
from hubbub.domain.message import Row


class Known(Struct, frozen=True, gc=False, array_like=True):
    """An earlier message of the same sender and client_id, as it was sent.

    `erased`: it was deleted since, and nobody knows what it said.
    """

    id: int
    chat_id: int
    seq: int
    number: int
    at: int
    type: str
    content: str
    media: bytes
    reply_to: int
    extra: bytes = b""
    erased: bool = False


Dedupe = tuple[int, bytes | int]
"""(sender, client_id), or (sender, message id) where the sender gave no client_id."""


def dedupe(post: Post) -> Dedupe:
    """What makes a post the same post when it comes again: unique for ever (G2)."""
    return (post.sender_id, post.id if post.client_id is None else post.client_id)


def forget(known: MutableMapping[Dedupe, Known], row: Row) -> None:
    """The message was deleted: what it said is not known any more."""
    key = (row.sender_id, row.id if row.client_id is None else row.client_id)
    if key in known:
        known[key] = replace(known[key], content="", media=b"", erased=True)


def append(head: Head, at: int, countable: bool) -> Head:
    """The head after one more position: times never go back, `system` is not counted."""
    return Head(head.seq + 1, head.number + countable, max(head.at, at), head.mentioned)


def assign(
    posts: Iterable[Post],
    heads: MutableMapping[int, Head],
    known: MutableMapping[Dedupe, Known],
) -> list[tuple[Row | None, Posted | Mismatch]]:
    """Give each post its place, in order; `heads` and `known` move along.

    A post that is known gets the earlier answer if the
    content is the same, else `Mismatch`; neither takes a position. `post.chat_id` must be a
    key of `heads`.
    """
    result: list[tuple[Row | None, Posted | Mismatch]] = []
    for post in posts:
        key = dedupe(post)
        earlier = known.get(key)
        if earlier is not None:
            result.append((None, _answer_again(post, earlier)))
            continue
        head = heads[post.chat_id] = append(heads[post.chat_id], post.at, countable=True)
        if post.extra and unpack(post.extra).mentioned:
            head.mentioned = head.seq
        row = Row(
            post.id,
            post.chat_id,
            head.seq,
            head.seq,
            head.number,
            post.sender_id,
            post.client_id,
            head.at,
            post.type,
            post.content,
            post.media,
            post.reply_to,
            b"",
            post.thread_id,
            post.extra,
        )
        known[key] = Known(
            row.id,
            row.chat_id,
            row.seq,
            row.number,
            row.at,
            row.type,
            row.content,
            row.media,
            row.reply_to,
            row.extra,
        )
        result.append((row, Posted(row.id, row.chat_id, row.seq, row.number, row.at)))
    return result


def _answer_again(post: Post, earlier: Known) -> Posted | Mismatch:
    sent = (post.chat_id, post.type, post.reply_to)
    if sent != (earlier.chat_id, earlier.type, earlier.reply_to):
        return Mismatch()
    said = (post.content, post.media, post.extra)
    if not earlier.erased and said != (earlier.content, earlier.media, earlier.extra):
        return Mismatch()
    return Posted(
        earlier.id, earlier.chat_id, earlier.seq, earlier.number, earlier.at, duplicate=True
    )
