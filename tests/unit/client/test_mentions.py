"""Unread mentions and counts of replies: what came, and what REST says beside it."""

from typing import Any

from msgspec.structs import replace

from hubbub_client.chat import Chat
from hubbub_client.commands import ReadChat
from hubbub_client.events import MessageHidden, ReadMoved
from hubbub_client.mentions import mentions
from hubbub_protocol import ids
from hubbub_protocol.frames import CaughtUp, Gap, Me
from hubbub_protocol.rest import Chat as ChatRecord
from hubbub_protocol.rest import Replies, StoredMessage
from tests.unit.client.peers import ANN, BEN, CEM, CHAT, TIME, Peer, message

YOU: dict[str, Any] = {"mentions": [ANN]}
ALL: dict[str, Any] = {"mention_all": True}
REPLY: dict[str, Any] = {"thread_id": ids.text("msg", 1)}


def live() -> Peer:
    """In a chat from its beginning on."""
    return Peer().live().hear(Me(1, "chat", CHAT, joined_seq=1))


def held(peer: Peer) -> Chat:
    return peer.session.logs.chats[CHAT]


def record(seq: int, read: int, unread: int, unread_mentions: int) -> ChatRecord:
    last = StoredMessage(ids.text("msg", 99), CHAT, seq, seq, seq, TIME, "sent", BEN)
    counts = (unread, unread_mentions, read)
    return ChatRecord(
        CHAT, "group", TIME, 3, "member", seq, TIME, *counts, last_message=last, number=seq
    )


# ── mentions ─────────────────────────────────────────────────────────────────────────────────


def test_who_is_mentioned() -> None:
    assert mentions(message(1, **YOU), ANN)
    assert mentions(message(1, **ALL), ANN)
    assert not mentions(message(1, mentions=[CEM]), ANN)
    assert not mentions(message(1, sender=ANN, **ALL), ANN)


def test_mentions_are_counted_as_they_come_and_are_read() -> None:
    peer = live().hear(message(1, **YOU), message(2), message(3, **ALL), message(4, mentions=[BEN]))
    assert held(peer).unread_mentions == 2
    peer.session.mark_read(CHAT, 2, peer.now)
    assert held(peer).unread_mentions == 1
    assert peer.take().of(ReadMoved) == [ReadMoved(CHAT, 2, 2, 1)]
    peer.hear(Me(2, "chat", CHAT, joined_seq=1, read=3, unread=1))
    assert held(peer).unread_mentions == 0


def test_an_own_message_reads_what_was_before_it() -> None:
    peer = live().hear(message(1, **YOU), message(2, sender=ANN, **ALL))
    assert held(peer).unread_mentions == 0
    assert not held(peer).uncertain


def test_a_message_that_changes_mentions_others() -> None:
    peer = live().hear(message(1, **YOU), message(2), message(1, 3, is_deleted=True, content=""))
    assert held(peer).unread_mentions == 0
    peer.hear(message(2, 4, **ALL))
    assert held(peer).unread_mentions == 1


def test_a_whole_replay_needs_no_count() -> None:
    peer = Peer({"me": 1, CHAT: 0}).connect()
    peer.hear(Me(2, "chat", CHAT, joined_seq=1, unread=3, unread_mentions=9))
    peer.hear(message(1, **YOU), message(2), message(3, **YOU), CaughtUp({"me": 2, CHAT: 3}))
    assert held(peer).unread_mentions == 2
    assert not held(peer).uncertain


def test_what_was_not_pushed_is_asked_for() -> None:
    peer = Peer({"me": 1, CHAT: 0}).connect()
    peer.hear(Me(2, "chat", CHAT, joined_seq=1, unread=9, unread_mentions=5))
    peer.hear(Gap(CHAT, 1, 7), message(8, **YOU), message(9), CaughtUp({"me": 2, CHAT: 9}))
    assert held(peer).unread_mentions == 5
    assert peer.wait(5).of(ReadChat) == [ReadChat(CHAT)]
    peer.session.learn([record(9, 0, 9, 4)])
    assert held(peer).unread_mentions == 4
    assert not held(peer).uncertain
    peer.hear(message(10, **YOU))
    assert held(peer).unread_mentions == 5
    peer.session.mark_read(CHAT, 8, peer.now)
    assert held(peer).unread_mentions == 1


def test_a_count_from_rest_may_be_ahead_of_the_log() -> None:
    peer = live().hear(message(1, **YOU))
    peer.session.learn([record(3, 0, 3, 3)])
    assert held(peer).unread_mentions == 3
    peer.hear(message(2, **YOU), message(3, **YOU), message(4, **YOU))
    assert held(peer).unread_mentions == 4


def test_reading_among_what_only_the_server_counted_makes_the_count_unsure() -> None:
    peer = Peer({"me": 1, CHAT: 7}).live({"me": 1, CHAT: 7})
    peer.session.learn([record(7, 2, 5, 3)])
    peer.hear(message(8, **YOU))
    assert (held(peer).unread_mentions, held(peer).uncertain) == (4, False)
    peer.hear(Me(2, "chat", CHAT, joined_seq=1, read=5, unread=3, unread_mentions=2))
    assert held(peer).unread_mentions == 2
    assert peer.wait(5).of(ReadChat) == [ReadChat(CHAT)]


def test_only_so_many_are_counted() -> None:
    peer = live().hear(*(message(seq, **YOU) for seq in range(1, 1_102)))
    assert held(peer).unread_mentions == 1_000
    peer.session.mark_read(CHAT, 700, peer.now)
    assert held(peer).unread_mentions == 401


# ── replies ──────────────────────────────────────────────────────────────────────────────────


def test_replies_to_what_came_are_counted_as_they_come() -> None:
    peer = live().hear(message(1), message(2, **REPLY), message(3))
    root, other = held(peer).messages[0], held(peer).messages[2]
    peer.hear(message(4, **REPLY), replace(message(2, 5, **REPLY), content="edited"))
    assert held(peer).threads.of(root.id) == Replies(2, 4, TIME)
    assert held(peer).threads.of(other.id) is None


def test_to_what_rest_counts_is_added_what_comes() -> None:
    peer = Peer({"me": 1, CHAT: 7}).live({"me": 1, CHAT: 7}).hear(message(8, **REPLY))
    root = StoredMessage(REPLY["thread_id"], CHAT, 1, 1, 1, TIME, "read", BEN)
    peer.session.logs.learn_replies([replace(root, replies=Replies(5, 8, TIME))])
    assert held(peer).threads.of(root.id) == Replies(5, 8, TIME)
    peer.hear(message(9, **REPLY), message(10))
    assert held(peer).threads.of(root.id) == Replies(6, 9, TIME)
    peer.session.logs.learn_replies([replace(root, replies=Replies(4, 7, TIME))])  # a late answer
    assert held(peer).threads.of(root.id) == Replies(6, 9, TIME)


def test_replies_that_are_not_held_any_more_stay_counted() -> None:
    peer = Peer(window=3).live().hear(Me(1, "chat", CHAT, joined_seq=1))
    peer.hear(message(1), *(message(seq, **REPLY) for seq in range(2, 9)))
    assert [m.seq for m in held(peer).messages] == [6, 7, 8]
    assert held(peer).threads.of(REPLY["thread_id"]) == Replies(7, 8, TIME)


def test_after_a_gap_counts_begin_anew() -> None:
    peer = Peer({"me": 1, CHAT: 7}).live({"me": 1, CHAT: 7})
    root = StoredMessage(REPLY["thread_id"], CHAT, 1, 1, 1, TIME, "read", BEN)
    peer.session.logs.learn_replies([replace(root, replies=Replies(5, 6, TIME))])
    peer.close().connect().hear(Gap(CHAT, 8, 20), CaughtUp({"me": 1, CHAT: 20}))
    assert held(peer).threads.of(root.id) is None


# ── what the user deletes for himself ────────────────────────────────────────────────────────


def hidden(rev: int, seq: int) -> Me:
    return Me(rev, "hidden", CHAT, message_id=ids.text("msg", seq), seq=seq)


def test_what_is_hidden_is_neither_held_nor_counted() -> None:
    peer = live().hear(message(1), message(2, **YOU, **REPLY), message(3, **REPLY)).take()
    peer.hear(hidden(2, 2), hidden(3, 2))
    assert [m.seq for m in held(peer).messages] == [1, 3]
    assert (held(peer).unread, held(peer).unread_mentions) == (2, 0)
    assert held(peer).threads.of(ids.text("msg", 1)) == Replies(1, 3, TIME)
    told = MessageHidden(CHAT, ids.text("msg", 2), 2)
    assert peer.of(MessageHidden) == [told, told]
    assert peer.of(ReadMoved) == [ReadMoved(CHAT, 0, 2, 0)]
    peer.session.mark_read(CHAT, 1, peer.now)
    assert held(peer).unread == 1


def test_a_frame_that_was_under_way_is_passed_over() -> None:
    peer = live().hear(message(1), hidden(2, 2), message(2, **YOU), message(3)).take()
    assert [m.seq for m in held(peer).messages] == [1, 3]
    assert (held(peer).unread, held(peer).unread_mentions) == (2, 0)
    assert held(peer).log.place == 3


def test_beyond_the_window_they_are_counted_all_the_same() -> None:
    peer = Peer(window=2).live().hear(Me(1, "chat", CHAT, joined_seq=1))
    peer.hear(message(1), message(2)).session.mark_read(CHAT, 1, peer.now)
    peer.hear(*(message(seq) for seq in range(3, 7)))
    assert held(peer).unread == 5
    peer.hear(hidden(2, 3)).take()
    assert held(peer).unread == 4
    assert [command.chat_id for command in peer.wait(2).of(ReadChat)] == [CHAT]
    peer.session.learn([record(6, read=1, unread=4, unread_mentions=0)])
    assert (held(peer).unread, held(peer).uncertain) == (4, False)


def test_an_answer_from_before_something_was_hidden_counts_it_no_more() -> None:
    peer = Peer(window=2).live().hear(Me(1, "chat", CHAT, joined_seq=1))
    peer.hear(message(1, **YOU), hidden(2, 1))
    peer.session.learn([record(1, read=0, unread=1, unread_mentions=1)])  # it was slow
    assert (held(peer).unread, held(peer).unread_mentions) == (0, 0)
    peer.hear(*(message(seq) for seq in range(2, 6)))
    assert (held(peer).unread, held(peer).unread_mentions) == (4, 0)
