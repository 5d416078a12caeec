"""The product with one rule taken out: each is a patch that lasts as long as its block."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import apsw
from msgspec.structs import replace

from hubbub.actions import create_chat, send_message
from hubbub.adapters.sqlite import (
    advance,
    chats,
    joining,
    membership,
    mentions,
    own,
    post,
    reader,
    referring,
    relations,
    rows,
    seats,
    threads,
)
from hubbub.adapters.sqlite import amend as amending
from hubbub.adapters.sqlite import replay as stored_replay
from hubbub.adapters.sqlite.caches import Caches
from hubbub.delivery import announce, presence, relay, subscriber
from hubbub.domain import receipt
from hubbub.domain.amend import amend
from hubbub.domain.change import Advance, Change, Denied, Edit, Erase, Outcome, Post, Posted
from hubbub.domain.chat import Interval
from hubbub.domain.events import Event, ReceiptEvent
from hubbub.domain.message import EVERYBODY, Row
from hubbub.domain.own import SetMe, Told
from hubbub.domain.policy import may_write
from hubbub.domain.relation import Relation
from hubbub.ingest import Ingest
from hubbub.ports import SourceRead, Unavailable
from hubbub_client import reader as client_reader
from hubbub_client import threads as client_threads
from tests.mutants import groups, nodes, reactions, recent


@dataclass(frozen=True)
class Mutant:
    """`expect`: a regular expression that the simulation's verdict must match.

    `nodes`: how many the simulation has; None: as the seed decides.
    """

    name: str
    expect: str
    patches: Callable[[], Any]
    nodes: int | None = None


@contextmanager
def all_of(*patches: Any) -> Iterator[None]:
    """Several patches at once."""
    if not patches:
        yield
        return
    with patches[0], all_of(*patches[1:]):
        yield


class Deaf:
    """Who waits was told already."""

    gate = None
    target = None

    def __init__(self, request: Change, since: float) -> None:
        self.request, self.since = request, since

    def answer(self, outcome: Outcome) -> None:
        """Nobody listens."""

    def refuse(self, refusal: Exception) -> None:
        """Nobody listens."""


def ack_before_commit() -> Any:
    """A send is acknowledged when its batch is made up."""
    commit_and_tell = Ingest._commit_and_tell

    async def hasty(self: Any, waiting: list[Any], changes: list[Change]) -> None:
        for index, (each, change) in enumerate(zip(waiting, changes, strict=False)):
            if isinstance(change, Post) and change.chat_id:
                each.answer(Posted(change.id, change.chat_id, 0, 0, change.at))
                waiting[index] = Deaf(change, each.since)
        self._announce._flush()
        await commit_and_tell(self, waiting, changes)

    return patch.object(Ingest, "_commit_and_tell", hasty)


def no_dedupe() -> Any:
    """The store does not keep the client_id."""
    insert = rows.insert_rows

    def forgetful(db: apsw.Connection, fresh: list[Row]) -> None:
        insert(db, [replace(row, client_id=None) for row in fresh])

    return patch.object(post, "insert_rows", forgetful)


def _no_hole(self: Any, log_positions: dict[int, int], log_id: int, rev: int) -> int | None:
    last = log_positions.get(log_id)
    if last is not None and rev <= last:
        return rev
    log_positions[log_id] = rev
    return None


def _any_news(self: Any, places: dict[int, int], log_id: int, rev: int, _: Any) -> bool:
    if rev <= places.get(log_id, 0):
        return False
    places[log_id] = rev
    return True


def no_gap_repair_at_the_server() -> Any:
    """Holes in what the bus brings are passed on."""
    return all_of(
        patch.object(relay.Relay, "_pass", _no_hole),
        patch.object(subscriber.Subscriber, "_is_news", _any_news),
    )


def no_gap_repair_at_all() -> Any:
    """And the client takes them as they are."""

    def gullible(self: Any, first: int, last: int, frame: Any, live: bool) -> Any:
        verdict = client_reader.Verdict
        return verdict.DROP if last <= self.place else verdict.APPLY

    return all_of(
        no_gap_repair_at_the_server(), patch.object(client_reader.LogReader, "offer", gullible)
    )


def order_by_id() -> Any:
    """A log is read in the order of ids."""
    changed = stored_replay._changed

    def by_id(*given: Any) -> list[Row]:
        return sorted(changed(*given), key=lambda row: row.id, reverse=given[-1] == "DESC")

    return all_of(
        patch.object(stored_replay, "_changed", by_id),
        patch.object(reader, "OLDER", reader.OLDER.replace("ORDER BY seq", "ORDER BY id")),
    )


def no_visibility() -> Any:
    """Members see what was before them."""

    def wide(chat: Any, stays: Sequence[Interval], hidden: Any) -> list[Interval]:
        return [Interval(1)] if stays and stays[-1].left is None else []

    return all_of(patch.object(rows, "openings", wide), patch.object(seats, "openings", wide))


def backward_cursors() -> Any:
    """A cursor goes where it is told to."""

    def anywhere(self: Any, delivered: int, read: int, head: int) -> receipt.Cursor:
        return receipt.Cursor(min(delivered or self.delivered, head), min(read or self.read, head))

    return patch.object(receipt.Cursor, "advance", anywhere)


@contextmanager
def _rolled_back(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def announce_before_commit() -> Any:
    """What will be committed is told first."""

    async def boasting(self: Any, waiting: list[Any], changes: list[Change]) -> None:
        store = self._store._methods["commit"].__self__
        try:
            with patch.object(chats, "transaction", _rolled_back):
                outcomes = store.commit(changes)
        except apsw.Error:
            outcomes = None
        store._caches.clear()
        if outcomes is not None:
            await self._announce.tell(changes, outcomes)
        try:
            outcomes = await self._commit(changes)
        except Unavailable as error:
            self._unavailable(waiting, error)
            return
        for each, outcome in zip(waiting, outcomes, strict=False):
            each.answer(outcome)

    return patch.object(Ingest, "_commit_and_tell", boasting)


def receipt_before_its_cursor() -> Any:
    """Authors hear of an advance when it is said, not when it is stored."""
    advance = Ingest.advance

    def eager(self: Any, move: Advance, *given: Any) -> None:
        announcer = self._announce
        chat = announcer._roster.get(move.chat_id)
        events: list[Event] = [
            ReceiptEvent(move.chat_id, author, message, seq, move.user_id, False, move.at)
            for seq, message, author in ([] if chat is None else chat.tail)
            if author and author != move.user_id and seq <= move.delivered
        ]
        announcer._publish(events)
        advance(self, move, *given)

    return patch.object(Ingest, "advance", eager)


def anybody_posts() -> Any:
    """A group's posting right is not asked for."""
    return patch.object(send_message, "may_post", lambda chat, role: None)


def anybody_mentions_all() -> Any:
    """In large groups, too."""
    return patch.object(send_message, "may_mention_all", lambda chat, role: None)


def mentions_of_before() -> Any:
    """What was said before a stay is counted as well."""
    count = mentions.unread_mentions

    def wide(db: Any, chat_id: int, user_id: int, read: int, mentioned: int) -> int:
        return count(db, chat_id, user_id, 0, mentioned)

    return all_of(
        patch.object(reader, "unread_mentions", wide), patch.object(own, "unread_mentions", wide)
    )


def replies_of_others() -> Any:
    """Replies are counted whoever may see them."""
    return patch.object(threads, "sees", lambda seq, rev, openings: True)


def replies_not_counted_on() -> Any:
    """The client knows of replies what REST has said, and nothing of those that come."""
    return patch.object(client_threads.Threads, "take", lambda self, message: None)


def forward_unseen() -> Any:
    """Whatever there is, is copied."""

    def any_row(self: Any, asked: SourceRead) -> Row | None:
        stored = self._db.execute(seats.MESSAGE, (asked.message_id,)).get
        return None if stored is None else Row(*stored)

    return patch.object(referring.SqliteReferring, "_source", any_row)


def no_heir() -> Any:
    """Nobody follows the last owner."""
    return patch.object(membership, "HEIRS", ())


def removed_comes_back() -> Any:
    """Nobody remembers who was removed."""
    return all_of(
        patch.object(membership, "is_removed", lambda db, chat_id, user_id: False),
        patch.object(joining, "is_removed", lambda db, chat_id, user_id: False),
    )


def seen_by_anybody() -> Any:
    """Whoever names a direct chat is told whether its people are here."""
    anybody = relations.PEER.replace("WHERE m.chat_id = ? AND m.user_id = ?", "WHERE m.chat_id = ?")
    return all_of(
        patch.object(relations, "PEER", f"{anybody} AND ? LIMIT 1"),
        patch.object(presence, "sees", lambda relation: True),
    )


def reads_told_of_the_silent() -> Any:
    """Authors hear of every read."""
    return all_of(
        patch.object(advance, "is_silent", lambda db, caches, user_id: False),
        patch.object(post, "is_silent", lambda db, caches, user_id: False),
    )


def silent_ones_in_the_status() -> Any:
    """The status of a message follows from all who read it."""
    return patch.object(seats, "OTHERS", re.sub(r"iif\(.*, 0, read\)", "read", seats.OTHERS))


def writes_in_spite_of_a_block() -> Any:
    """Who could write to somebody goes on."""
    return patch.object(announce.Announcer, "_stood", lambda self, me: None)


def strangers_at_a_closed_inbox() -> Any:
    """An inbox that is closed is open."""

    def anybody(relation: Relation) -> Denied | None:
        return may_write(replace(relation, inbox="everyone"))

    return all_of(
        patch.object(relations, "may_write", anybody),
        patch.object(send_message, "may_write", anybody),
        patch.object(create_chat, "may_write", anybody),
    )


def seen_in_spite_of_a_block() -> Any:
    """Whoever has a direct chat with somebody sees whether he is here."""
    return patch.object(presence, "sees", lambda relation: relation.chat_id != 0)


def types_in_spite_of_a_block() -> Any:
    """Typing goes to everybody in the chat."""
    return patch.object(relay, "_may_see", lambda reader, event: True)


def renamed_in_silence() -> Any:
    """A user's other name is stored, and his own log does not tell of it."""

    def silent(db: apsw.Connection, caches: Caches, change: SetMe) -> Told:
        if change.display_name is None:
            return relations.set_me(db, caches, change)
        values = (change.display_name, change.user_id)
        db.execute("UPDATE users SET display_name = ? WHERE id = ?", values)
        return Told(None)

    return patch.object(chats, "set_me", silent)


def mentions_as_they_were() -> Any:
    """Whom a message mentions after an edit is not noted."""
    return patch.object(amending, "change_mentions", lambda db, before, after: None)


def edit_without_a_position() -> Any:
    """An edit changes what is stored, and the log goes on as if nothing had happened."""

    def quiet(row: Row, change: Any, *given: Any) -> Any:
        after = amend(row, change, *given)
        if isinstance(after, Row) and isinstance(change.do, Edit):
            return replace(after, rev=row.rev)
        return after

    return patch.object(amending, "amend", quiet)


def deleted_in_name_only() -> Any:
    """What a deleted message said stays."""

    def careless(row: Row, change: Any, *given: Any) -> Any:
        after = amend(row, change, *given)
        if isinstance(after, Row) and isinstance(change.do, Erase):
            return replace(after, content=row.content, media=row.media)
        return after

    return patch.object(amending, "amend", careless)


def changes_blindly() -> Any:
    """Whoever knows a message's id may change it."""
    return patch.object(amending, "visible", lambda row, openings: True)


def changes_told_to_everybody() -> Any:
    """Members hear of changes of messages from before their time."""
    return patch.object(amending, "_audience", lambda db, chat, seq: EVERYBODY)


def told_of_what_one_deleted() -> Any:
    """Who deleted a message for himself hears what becomes of it."""
    return patch.object(amending, "hiders", lambda db, row: [])


def deleted_here_and_shown_there() -> Any:
    """A reader's own connection does not know what the user deleted for himself."""
    return patch.object(rows, "hidden_in", lambda db, chat_id, user_id, after=0: [])


MUTANTS = (
    Mutant("ack before commit", r"G1: .* is lost", ack_before_commit),
    Mutant("no dedupe", r"G2: stored more than once", no_dedupe),
    Mutant("no gap repair at the server", r"G3: .* without a word", no_gap_repair_at_the_server),
    Mutant("no gap repair at all", r"holds .* refetched|G4: ", no_gap_repair_at_all),
    Mutant("order by id", r"G3: .* again after|history of|holds", order_by_id),
    Mutant("no visibility", r"G6: ", no_visibility),
    Mutant("backward cursors", r"G5: cursor .* went back", backward_cursors),
    Mutant("announce before commit", r"not stored|but stored is", announce_before_commit),
    Mutant("receipt before its cursor", r"G5: a receipt of", receipt_before_its_cursor),
    Mutant("anybody posts", r"rights: member .* sent to", anybody_posts),
    Mutant("removed comes back", r"G6: .* and came back", removed_comes_back),
    Mutant("seen by anybody", r"G6: .* is told that", seen_by_anybody),
    Mutant("reads told of the silent", r"8\.1\.4: .* that silent", reads_told_of_the_silent),
    Mutant("silent ones in the status", r"8\.1\.4: .* by a silent one", silent_ones_in_the_status),
    Mutant("writes in spite of a block", r"8\.2\.2: .* wrote in", writes_in_spite_of_a_block),
    Mutant("strangers at a closed inbox", r"8\.2\.2: .* wrote in", strangers_at_a_closed_inbox),
    Mutant("seen in spite of a block", r"8\.1\.2: |, sees False", seen_in_spite_of_a_block),
    Mutant("types in spite of a block", r"8\.2\.3: .* types", types_in_spite_of_a_block),
    Mutant("renamed in silence", r"8\.1\.1: .* was told", renamed_in_silence),
    Mutant("mentions as they were", r"unread mentions are", mentions_as_they_were),
    Mutant("edit without a position", r"G3: .* took|holds", edit_without_a_position),
    Mutant("deleted in name only", r"was deleted and still says", deleted_in_name_only),
    Mutant("changes blindly", r"G6: .* changed the message", changes_blindly),
    Mutant("changes told to everybody", r"G6: .* is not for this user", changes_told_to_everybody),
    Mutant("reaction without a position", r"G3: .* took", reactions.without_a_position),
    Mutant("reactions forgotten", r"holds .* refetched", reactions.forgotten),
    Mutant("every reaction at once", r"two positions in", reactions.each_at_once),
    Mutant("told of what one deleted", r"G6: .* the user deleted", told_of_what_one_deleted),
    Mutant("deleted here, shown there", r"G6: .* the user deleted", deleted_here_and_shown_there),
    Mutant("anybody mentions all", r"rights: member .* mentions all", anybody_mentions_all),
    Mutant("mentions of before", r"unread mentions are", mentions_of_before),
    Mutant("replies of others", r"replies to .* refetched", replies_of_others),
    Mutant("replies not counted on", r"replies to .* held", replies_not_counted_on),
    Mutant("forward unseen", r"G6: .* forwarded", forward_unseen),
    Mutant("anybody pins", r"rights: .* did pin", groups.anybody_pins),
    Mutant("anybody gives roles", r"rights: .* did setrole", groups.anybody_gives_roles),
    Mutant("anybody sets", r"rights: .* did setchat", groups.anybody_sets),
    Mutant("invite without end", r"rights: .* used too often", groups.invite_without_end),
    Mutant("ended in name only", r"rights: an invite that was ended", groups.ended_in_name_only),
    Mutant("muted in silence", r"mute are .* refetched", groups.muted_in_silence),
    Mutant(
        "lost letters ignored", r"G[45]: |holds .* refetched", nodes.lost_letters_ignored, nodes=3
    ),
    Mutant("no beats", r"G[45]: |holds .* refetched", nodes.no_beats, nodes=3),
    Mutant("deaths unnoticed", r"not all were told", nodes.deaths_unnoticed, nodes=3),
    Mutant("leases never end", r"not all were told", nodes.leases_never_end, nodes=3),
    Mutant("read before placed", r"G[45]: |holds .* refetched", nodes.read_before_placed, nodes=3),
    Mutant("receipts at home", r"not all .*\n.*G5: .* refetched", nodes.receipts_at_home, nodes=3),
    Mutant("counts at home", r"not all .*\n.*6\.2\.3", nodes.counts_at_home, nodes=3),
    Mutant("own log at home", r"not all were told", nodes.own_log_at_home, nodes=3),
    Mutant("undated posts", r"rights: .* sent to", nodes.undated_posts, nodes=3),
    Mutant("recent moves ignored", r"recent: |is shown", recent.moves_ignored),
    Mutant("recent loss ignored", r"recent: |is shown", recent.loss_ignored, nodes=3),
    Mutant("no heir", r"rights: .* has no owner", no_heir),
)
