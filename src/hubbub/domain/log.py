"""The rule of the log: who gets which position (G2, G3).

Every store loads what `assign` needs, and saves what it says; none decides by itself.
"""

from collections.abc import Iterable, MutableMapping

from hubbub.domain.change import Mismatch, Post, Posted, Stale
from hubbub.domain.chat import Head
from hubbub.domain.extra import unpack
from hubbub.domain.message import Row

Dedupe = tuple[int, bytes | int]
"""(sender, client_id), or (sender, message id) where the sender gave no client_id."""


def dedupe(post: Post) -> Dedupe:
    """What makes a post the same post when it comes again: unique for ever (G2)."""
    return (post.sender_id, post.id if post.client_id is None else post.client_id)


def forget(known: MutableMapping[Dedupe, Row], row: Row) -> None:
    """The message was deleted: what it said is not known any more."""
    key = (row.sender_id, row.id if row.client_id is None else row.client_id)
    if key in known:
        known[key] = row


def append(head: Head, at: int, countable: bool) -> Head:
    """The head after one more position: times never go back, `system` is not counted."""
    return Head(head.seq + 1, head.number + countable, max(head.at, at), head.mentioned)


def assign(
    posts: Iterable[Post],
    heads: MutableMapping[int, Head],
    known: MutableMapping[Dedupe, Row],
) -> list[Row | Posted | Mismatch | Stale]:
    """Give each post its place, in order: its row. `heads` and `known` move along.

    `known` are messages as they were sent. A post that is known gets the earlier answer if the
    content is the same, else `Mismatch`; one whose chat has changed since it was permitted is
    `Stale`; none of these takes a position. `post.chat_id` must be a key of `heads`.
    """
    result: list[Row | Posted | Mismatch | Stale] = []
    for post in posts:
        key = dedupe(post)
        earlier = known.get(key)
        if earlier is not None:
            result.append(_answer_again(post, earlier))
            continue
        if post.changes not in (-1, heads[post.chat_id].changes):
            result.append(Stale(post.chat_id))
            continue
        head = heads[post.chat_id] = append(heads[post.chat_id], post.at, countable=True)
        if post.extra and unpack(post.extra).mentioned:
            head.mentioned = head.seq
        row = known[key] = Row(
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
        result.append(row)
    return result


def _answer_again(post: Post, earlier: Row) -> Posted | Mismatch:
    sent = (post.chat_id, post.type, post.reply_to)
    if sent != (earlier.chat_id, earlier.type, earlier.reply_to):
        return Mismatch()
    said = (post.content, post.media, post.extra)
    if not earlier.deleted_at and said != (earlier.content, earlier.media, earlier.extra):
        return Mismatch()
    return placed(earlier, duplicate=True)


def placed(
    row: Row, read_before: int = 0, *, silent: bool = False, duplicate: bool = False
) -> Posted:
    """The answer to who sent it. `read_before`, `silent`: see Posted."""
    place = (row.id, row.chat_id, row.seq, row.number, row.at)
    return Posted(*place, read_before, duplicate, silent=silent)
