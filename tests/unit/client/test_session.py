"""The session's rules, one by one."""

import pytest

from hubbub_client.commands import Connect, Disconnect, ReadChat, ReadEvents, RenewToken, Save
from hubbub_client.errors import OutboxFull
from hubbub_client.events import (
    AccountChanged,
    BlockChanged,
    ChatAdded,
    ChatRemoved,
    ConnectionChanged,
    CursorMoved,
    GapFound,
    MessageAccepted,
    MessageArrived,
    MessageChanged,
    MuteChanged,
    PresenceChanged,
    ReadMoved,
    SendFailed,
    State,
    Ticked,
    TypingChanged,
)
from hubbub_client.session import READS_SAID
from hubbub_client.storage import SendSaved, SendSettled
from hubbub_protocol import ids
from hubbub_protocol.codec import client_codec
from hubbub_protocol.codes import Code
from hubbub_protocol.frames import (
    ME,
    Ack,
    Auth,
    CaughtUp,
    DeliveryReceipt,
    Error,
    Focus,
    Gap,
    Me,
    Message,
    Presence,
    Privacy,
    Read,
    ReadReceipt,
    ReceiptCounts,
    Received,
    Resume,
    Send,
    Skip,
    TokenExpiring,
    Typing,
)
from hubbub_protocol.rest import Chat as ChatRecord
from hubbub_protocol.rest import EventPage, Receipts
from tests.unit.client.peers import ANN, BEN, CEM, CHAT, OTHER, TIME, WELCOME, Peer, message, saved

ACK = Ack(ids.text("msg", 9), CHAT, TIME, client_id="c1")


def place(peer: Peer, log: str = CHAT) -> int:
    return peer.session.logs.chats[log].log.place


# ── connecting ───────────────────────────────────────────────────────────────────────────────


def test_signs_in_resumes_and_goes_live() -> None:
    peer = Peer({ME: 4, CHAT: 7})
    peer.session.start("t1", peer.now)
    assert peer.take().of(Connect)
    peer.session.opened(peer.now)
    assert peer.take().frames == [Auth("t1")]
    assert peer.hear(WELCOME).frames == [Resume({ME: 4, CHAT: 7})]
    assert [e.state for e in peer.of(ConnectionChanged)] == [State.RESUMING]
    peer.hear(CaughtUp({ME: 4, CHAT: 7}))
    assert peer.session.state is State.LIVE


def test_first_resume_uses_the_servers_place() -> None:
    peer = Peer().connect()
    assert peer.frames == [Resume()]
    peer.hear(CaughtUp({ME: 3, CHAT: 5}))
    assert peer.of(ChatAdded) == [ChatAdded(CHAT)]
    assert peer.close().connect().frames == [Resume({ME: 3, CHAT: 5})]


def test_resume_in_parts_of_500() -> None:
    chats = {ids.text("chat", n): 1 for n in range(1200)}
    parts = Peer({ME: 1} | chats).connect().of(Resume)
    assert [len(part.positions) for part in parts] == [500, 500, 201]
    assert [part.more for part in parts] == [True, True, False]


def test_resume_asks_for_receipts_of_chats_not_read_by_all() -> None:
    peer = Peer({ME: 1, CHAT: 0, OTHER: 0}).live()
    peer.hear(message(1, sender=ANN), message(1, sender=ANN, chat_id=OTHER, n=2))
    peer.hear(ReadReceipt(OTHER, ids.text("msg", 2), 1, BEN, TIME))
    assert peer.close().connect().of(Resume)[0].receipts == [CHAT]


def test_backoff_grows_to_its_cap_and_is_fully_jittered() -> None:
    peer = Peer()
    peer.session.start("t1", peer.now)
    delays = []
    for _ in range(200):
        waits = peer.close().of(ConnectionChanged)
        assert waits[-1].text == "Network error; retrying"
        delays.append(waits[-1].retry_in)
        peer.wait(delays[-1])
        assert peer.of(Connect)
    for n, delay in enumerate(delays):
        assert 0 <= delay <= min(30.0, 0.5 * 2**n)
    assert min(delays[10:]) < 3 < 27 < max(delays)


def test_backoff_is_forgotten_only_after_steady_live() -> None:
    peer = Peer()
    peer.session.start("t1", peer.now)
    for _ in range(20):
        peer.close()
        peer.wait(peer.of(ConnectionChanged)[-1].retry_in)
    peer.session.opened(peer.now)
    peer.hear(WELCOME, CaughtUp({}))
    peer.now += 10
    assert peer.close().of(ConnectionChanged)[-1].retry_in <= 0.5


def test_server_hints_are_honoured() -> None:
    drained = Peer().live().close(1001, "drain; reconnect within 12.5 s")
    assert 0.5 < drained.of(ConnectionChanged)[-1].retry_in <= 12.5
    busy = Peer().live().close(1013, "7")
    assert 7 <= busy.of(ConnectionChanged)[-1].retry_in <= 8
    told = Peer().live().hear(Error("overloaded", "later", retry_after=9.0)).close(1013)
    assert 9 <= told.of(ConnectionChanged)[-1].retry_in <= 10


@pytest.mark.parametrize("code", [1002, 1007, 1008, 1009, 4410])
def test_own_faults_end_for_good(code: int) -> None:
    peer = Peer().live().close(code, "why")
    assert peer.session.state is State.CLOSED
    assert "why" in peer.of(ConnectionChanged)[-1].text
    assert peer.session.deadline(peer.now) is None


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012, 1013, 4429, 3999])
def test_other_closes_are_tried_again(code: int) -> None:
    assert Peer().live().close(code).session.state is State.WAITING


def test_token_is_renewed_after_4401() -> None:
    peer = Peer().live().close(4401)
    assert peer.of(RenewToken)
    peer.session.renewed("t2", peer.now)
    assert peer.take().of(Connect)
    peer.session.opened(peer.now)
    assert peer.take().frames == [Auth("t2")]
    # Refused although it is new: not in a tight circle.
    peer.close(4401)
    assert peer.session.state is State.WAITING
    assert peer.wait(1.0).of(RenewToken)


def test_token_is_renewed_on_the_open_connection() -> None:
    peer = Peer().live().hear(TokenExpiring(TIME))
    assert peer.of(RenewToken)
    peer.session.renewed("t2", peer.now)
    assert peer.take().frames == [Auth("t2")]
    assert peer.hear(WELCOME).frames == []  # no second resume
    assert peer.session.state is State.LIVE


def test_failed_renewals() -> None:
    peer = Peer().live().close(4401)
    peer.session.renew_failed(False, peer.now, retry_after=3.0)
    wait = peer.take().of(ConnectionChanged)[-1]
    assert wait.retry_in >= 3
    assert peer.wait(wait.retry_in).of(RenewToken)
    peer.session.renew_failed(True, peer.now)
    assert peer.session.state is State.CLOSED


def test_silent_connection_is_given_up_before_live_only() -> None:
    peer = Peer().connect()
    assert not peer.wait(14).of(Disconnect)
    peer.hear(message(1))
    assert not peer.wait(14).of(Disconnect)
    assert peer.wait(1).of(Disconnect)
    assert peer.session.state is State.WAITING
    live = Peer().live()
    assert live.session.deadline(live.now) is None  # then the pings of the transport tell


def test_frames_of_a_given_up_connection_are_nothing() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().close()
    peer.hear(message(1))
    assert peer.events == []
    assert place(peer) == 0


def test_reads_bytes_and_passes_over_what_it_does_not_know() -> None:
    for binary in (False, True):
        peer = Peer(binary=binary)
        peer.session.start("t1", peer.now)
        peer.session.opened(peer.now)
        encode = client_codec(binary).encode
        peer.session.receive(encode(WELCOME), peer.now)
        peer.session.receive(encode({"type": "from the future"}), peer.now)
        peer.session.receive(b"\xff\xfe", peer.now)
        assert peer.session.state is State.RESUMING
        assert peer.session.frames_unreadable == 2


# ── logs ─────────────────────────────────────────────────────────────────────────────────────


def test_live_frames_in_order_once_each() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live()
    peer.hear(message(1), message(2), message(1), Skip(CHAT, 3, 5), message(6), message(2, 7))
    assert [e.message.seq for e in peer.of(MessageArrived)] == [1, 2, 6]
    assert [e.message.rev for e in peer.of(MessageChanged)] == [7]
    assert place(peer) == 7
    assert peer.hear(message(2, 7), Skip(CHAT, 3, 5)).events == []


def test_one_received_for_all_frames_since_the_last() -> None:
    peer = Peer({ME: 1, CHAT: 0, OTHER: 0}).live().take()
    peer.hear(message(1), message(2), message(1, chat_id=OTHER, n=9))
    assert peer.of(Received) == [Received(positions={CHAT: 2, OTHER: 1})]
    assert peer.take().of(Received) == []


def test_own_messages_are_confirmed_with_the_next_of_another() -> None:
    peer = Peer({CHAT: 0, OTHER: 4}).live()
    assert peer.hear(message(1, sender=ANN)).of(Received) == []
    answered = peer.hear(message(5, chat_id=OTHER)).of(Received)
    assert answered == [Received(positions={CHAT: 1, OTHER: 5})]
    assert peer.session.deadline(peer.now) is None


def test_own_messages_are_confirmed_within_a_second() -> None:
    peer = Peer({ME: 1, CHAT: 0, OTHER: 4}).live().take()
    assert peer.hear(message(1, sender=ANN)).of(Received) == []
    assert peer.wait(0.4).of(Received) == []
    assert peer.hear(message(2, sender=ANN)).of(Received) == []
    assert peer.session.deadline(peer.now) == peer.now + 0.6
    assert peer.wait(0.6).of(Received) == [Received(positions={CHAT: 2})]
    assert peer.close().live().of(Received) == [Received(positions={CHAT: 2, ME: 1, OTHER: 4})]


def test_an_own_message_does_not_hold_up_what_is_pressing() -> None:
    peer = Peer({CHAT: 0, OTHER: 4}).live()
    both = peer.hear(message(1), message(2, sender=ANN)).of(Received)
    assert both == [Received(positions={CHAT: 2})]


def test_received_is_said_again_after_a_lost_connection() -> None:
    peer = Peer({ME: 1, CHAT: 0, OTHER: 4}).live().take()
    assert peer.hear(message(1)).of(Received)
    assert peer.close().live().of(Received) == [Received(positions={CHAT: 1, ME: 1, OTHER: 4})]


def test_replay_has_holes_and_claims_wait_for_its_end() -> None:
    peer = Peer({ME: 1, CHAT: 0}).connect()
    assert peer.hear(message(4), message(6), message(1, 9)).of(Received) == []
    chat = peer.session.logs.chats[CHAT]
    assert (chat.log.place, chat.log.held) == (9, 0)
    assert [m.seq for m in chat.messages] == [1, 4, 6]
    received = peer.hear(CaughtUp({CHAT: 12})).of(Received)
    assert received[0].positions[CHAT] == 12


def test_hole_is_read_in_pages_while_frames_wait() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(message(1), message(4))
    (read,) = peer.of(ReadEvents)
    assert (read.log, read.after) == (CHAT, 1)
    assert peer.hear(message(5), message(6)).commands == []
    peer.session.page(CHAT, read.ticket, EventPage([message(2)], 2, True), peer.now)
    (more,) = peer.take().of(ReadEvents)
    assert more.after == 2
    peer.session.page(CHAT, read.ticket, EventPage([message(3)], 3, False), peer.now)  # old ticket
    assert peer.take().commands == []
    peer.session.page(CHAT, more.ticket, EventPage([message(3), message(4)], 5, False), peer.now)
    assert [e.message.seq for e in peer.take().of(MessageArrived)] == [3, 4, 6]
    assert peer.of(Received) == [Received(positions={CHAT: 6})]


def test_nothing_beyond_the_hole_is_claimed_while_it_is_read() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().take()
    (read,) = peer.hear(message(9)).of(ReadEvents)
    page = EventPage([message(2), message(3)], 3, True)  # 1 was changed at a later rev
    peer.session.page(CHAT, read.ticket, page, peer.now)
    assert peer.take().of(Received) == []
    (more,) = peer.of(ReadEvents) or [None]
    last = EventPage([message(1, 8), message(9)], 9, False)
    peer.session.page(CHAT, more.ticket, last, peer.now)
    assert peer.take().of(Received) == [Received(positions={CHAT: 9})]


def test_too_many_frames_behind_a_hole_are_read_again() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(*(message(n) for n in range(2, 400)))
    (read,) = peer.of(ReadEvents)
    peer.session.page(CHAT, read.ticket, EventPage([message(1)], 1, False), peer.now)
    (again,) = peer.take().of(ReadEvents)
    assert again.after == 257  # what fitted into the buffer
    rest: list[Message | Me] = [message(n) for n in range(258, 400)]
    peer.session.page(CHAT, again.ticket, EventPage(rest, 399, False), peer.now)
    assert place(peer.take()) == 399
    assert peer.of(ReadEvents) == []


def test_failed_reads_are_repeated_later() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(message(3))
    (read,) = peer.of(ReadEvents)
    peer.session.page_failed(CHAT, read.ticket, Code.OVERLOADED, 4.0, peer.now)
    assert peer.wait(3.9).of(ReadEvents) == []
    assert [r.after for r in peer.wait(1.1).of(ReadEvents)] == [0]


def test_read_that_finds_no_chat_forgets_it() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(message(3))
    (read,) = peer.of(ReadEvents)
    peer.session.page_failed(CHAT, read.ticket, Code.NOT_FOUND, None, peer.now)
    assert peer.take().of(ChatRemoved) == [ChatRemoved(CHAT)]


def test_a_gap_while_live_makes_it_ask_how_many_are_unread() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(message(1), Gap(CHAT, 2, 5), message(6))
    assert [command.chat_id for command in peer.wait(2).of(ReadChat)] == [CHAT]


def test_answers_from_before_a_disconnect_are_void() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(message(3))
    (read,) = peer.of(ReadEvents)
    peer.close().connect()
    peer.session.page(CHAT, read.ticket, EventPage([message(1)], 1, False), peer.now)
    assert place(peer) == 0


def test_gap_is_remembered_and_older_messages_forgotten() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(message(1), message(2)).close().connect()
    peer.hear(Gap(CHAT, 3, 80), message(81), message(2, 82), CaughtUp({CHAT: 82}))
    assert GapFound(CHAT, 3, 80) in peer.of(GapFound)
    chat = peer.session.logs.chats[CHAT]
    assert chat.gaps == [(3, 80)]
    assert [m.seq for m in chat.messages] == [81]
    assert [e.message.rev for e in peer.of(MessageChanged)] == [82]
    chat.add_gap(81, 90)
    assert chat.gaps == [(3, 90)]
    chat.close_gap(3, 50)
    assert chat.gaps == [(51, 90)]
    chat.close_gap(60, 70)
    assert chat.gaps == [(51, 59), (71, 90)]


def test_gap_of_the_own_log_is_read_at_once() -> None:
    peer = Peer({ME: 1}).connect().hear(Gap(ME, 2, 5), Me(6, "chat", CHAT, joined_seq=3))
    (read,) = peer.of(ReadEvents)
    assert (read.log, read.after) == (ME, 1)
    assert peer.hear(CaughtUp({ME: 6})).of(Received) == [Received(positions={ME: 1})]
    events: list[Message | Me] = [
        Me(4, "chat", OTHER, joined_seq=1),
        Me(6, "chat", CHAT, joined_seq=3),
    ]
    peer.session.page(ME, read.ticket, EventPage(events, 6, False), peer.now)
    assert [e.chat_id for e in peer.take().of(ChatAdded)] == [OTHER, CHAT]
    assert peer.session.logs.me.held == 6


def test_chats_come_and_go() -> None:
    peer = Peer({ME: 1}).live()
    peer.hear(Me(2, "chat", CHAT, role="owner", joined_seq=5), message(5))
    assert peer.of(ChatAdded) == [ChatAdded(CHAT, "owner")]
    assert place(peer) == 5
    peer.hear(Me(3, "chat", CHAT, member=False))
    assert peer.of(ChatRemoved) == [ChatRemoved(CHAT)]
    peer.hear(Me(4, "chat", CHAT, joined_seq=9))
    assert place(peer) == 8


def test_later_stay_begins_a_new_log() -> None:
    peer = Peer({ME: 1, CHAT: 3}).connect().hear(Me(3, "chat", CHAT, joined_seq=9))
    assert peer.of(ChatRemoved)
    assert peer.of(ChatAdded)
    assert place(peer) == 8


def test_live_frame_of_an_unknown_chat_reads_the_own_log() -> None:
    peer = Peer({ME: 1}).live().hear(message(5))
    (read,) = peer.of(ReadEvents)
    assert (read.log, read.after) == (ME, 1)
    page = EventPage([Me(2, "chat", CHAT, joined_seq=4)], 2, False)
    peer.session.page(ME, read.ticket, page, peer.now)
    (chat,) = peer.take().of(ReadEvents)
    assert (chat.log, chat.after) == (CHAT, 3)


def test_unknown_chat_that_the_own_log_is_silent_about_is_taken_in() -> None:
    peer = Peer({ME: 1}).live().hear(message(5))
    (read,) = peer.of(ReadEvents)
    peer.session.page(ME, read.ticket, EventPage([], 1, False), peer.now)
    (chat,) = peer.take().of(ReadEvents)
    assert (chat.log, chat.after) == (CHAT, 4)


def test_chat_noticed_during_a_read_waits_for_the_next() -> None:
    peer = Peer({ME: 1}).live().hear(Me(5, "chat", OTHER, joined_seq=1))
    (read,) = peer.of(ReadEvents)
    peer.hear(message(5))  # the answer on its way may be older than this chat
    peer.session.page(ME, read.ticket, EventPage([], 5, False), peer.now)
    (again,) = peer.take().of(ReadEvents)
    assert again.log == ME
    page = EventPage([Me(6, "chat", CHAT, joined_seq=2)], 6, False)
    peer.session.page(ME, again.ticket, page, peer.now)
    assert [(r.log, r.after) for r in peer.take().of(ReadEvents)] == [(CHAT, 1)]


def test_window_is_bounded() -> None:
    peer = Peer({ME: 1, CHAT: 0}, window=10).live().hear(*(message(n) for n in range(1, 31)))
    chat = peer.session.logs.chats[CHAT]
    assert [m.seq for m in chat.messages] == list(range(21, 31))
    assert chat.unread == 30
    peer.hear(message(3, 31))
    assert peer.of(MessageChanged)
    assert len(chat.messages) == 10


# ── read state, ticks, typing ────────────────────────────────────────────────────────────────


def test_unread_and_read() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(*(message(n) for n in (1, 2, 3)))
    peer.session.mark_read(CHAT, 2, peer.now)
    assert peer.take().frames == [Read(CHAT, 2)]
    assert peer.of(ReadMoved) == [ReadMoved(CHAT, 2, 1)]
    peer.session.mark_read(CHAT, 1, peer.now)
    assert peer.take().frames == []
    peer.hear(Me(2, "chat", CHAT, read=3))  # in another session
    assert peer.of(ReadMoved) == [ReadMoved(CHAT, 3, 0)]
    peer.hear(message(4), message(5, sender=ANN))  # sending reads
    assert peer.of(ReadMoved) == [ReadMoved(CHAT, 5, 0)]


def test_what_was_said_between_two_stays_is_not_unread() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(message(1), Skip(CHAT, 2, 3))
    peer.hear(Me(2, "chat", CHAT, joined_seq=4, read=3), message(4, number=3))
    assert peer.session.logs.chats[CHAT].unread == 1


def test_muting_is_the_own_logs_to_say_and_rests_only_before_it() -> None:
    later = "2100-01-01T00:00:00.000Z"
    record = ChatRecord(CHAT, "group", TIME, 2, "admin", 0, TIME, joined_seq=1, muted_until=later)
    peer = Peer({ME: 1, CHAT: 0}).live()
    peer.session.learn([record])
    assert peer.take().of(MuteChanged) == [MuteChanged(CHAT, later)]
    assert peer.hear(Me(2, "chat", CHAT, joined_seq=1)).of(MuteChanged) == [MuteChanged(CHAT, None)]
    peer.session.learn([record])  # the answer was slow
    assert peer.take().of(MuteChanged) == []
    assert peer.session.logs.chats[CHAT].role == "member"


def test_reads_are_said_again_until_surely_stored() -> None:
    peer = Peer({ME: 1, CHAT: 3})
    peer.session.mark_read(CHAT, 3, peer.now)
    assert peer.connect().frames[0] == Read(CHAT, 3)
    peer.hear(CaughtUp({}))  # heard, but the server may have died before it was stored
    assert peer.close().connect().frames[0] == Read(CHAT, 3)
    peer.hear(CaughtUp({}), Me(2, "chat", CHAT, read=3))
    assert peer.close().connect().of(Read) == []


def test_reads_that_move_nothing_are_not_said_for_ever() -> None:
    peer = Peer({ME: 1, CHAT: 3})
    peer.session.mark_read(CHAT, 3, peer.now)
    for _ in range(READS_SAID):
        peer.connect().hear(CaughtUp({})).close()
    assert peer.connect().of(Read) == []


def test_cursors_tell_of_messages_before_the_window() -> None:
    peer = Peer({ME: 1, CHAT: 5}).live()
    old = message(3, sender=ANN, recipient_ids=[ANN, BEN])  # read from history
    peer.hear(ReadReceipt(CHAT, old.id, 3, BEN, TIME))
    assert peer.of(CursorMoved) == [CursorMoved(CHAT, BEN, 3, True)]
    assert peer.of(Ticked) == []
    assert peer.session.logs.chats[CHAT].status(old, ANN) == "read"
    peer.hear(ReadReceipt(CHAT, old.id, 3, BEN, TIME), DeliveryReceipt(CHAT, old.id, 2, BEN, TIME))
    assert peer.of(CursorMoved) == []


def test_ticks_are_the_least_of_all_recipients() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live()
    group = [ANN, BEN, CEM]
    mine = [message(n, sender=ANN, recipient_ids=group) for n in (1, 2)]
    peer.hear(*mine)
    assert peer.hear(DeliveryReceipt(CHAT, mine[1].id, 2, BEN, TIME)).of(Ticked) == []
    peer.hear(DeliveryReceipt(CHAT, mine[1].id, 2, CEM, TIME))
    assert peer.of(Ticked) == [Ticked(CHAT, (mine[0].id, mine[1].id), 2, "delivered")]
    peer.hear(ReadReceipt(CHAT, mine[1].id, 2, BEN, TIME))
    assert peer.of(Ticked) == []
    peer.hear(ReadReceipt(CHAT, mine[0].id, 1, CEM, TIME))
    assert peer.of(Ticked) == [Ticked(CHAT, (mine[0].id,), 1, "read")]
    chat = peer.session.logs.chats[CHAT]
    assert [chat.status(m, ANN) for m in mine] == ["read", "delivered"]
    assert peer.hear(DeliveryReceipt(CHAT, mine[0].id, 1, CEM, TIME)).events == []  # never back


def test_receipt_before_its_message() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live()
    mine = message(1, sender=ANN)
    peer.hear(ReadReceipt(CHAT, mine.id, 1, BEN, TIME), mine)
    assert peer.of(Ticked) == [Ticked(CHAT, (mine.id,), 1, "read")]


def test_large_groups_ask_how_far_all_are() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live()
    mine = message(1, sender=ANN, recipient_ids=[])
    peer.hear(mine, ReceiptCounts(CHAT, 1, 299, 10), ReceiptCounts(CHAT, 1, 300, 20))
    assert [command.chat_id for command in peer.wait(2).of(ReadChat)] == [CHAT]
    peer.session.chat_not_read(CHAT, peer.now)  # it could not be asked just then
    assert [command.chat_id for command in peer.wait(2).of(ReadChat)] == [CHAT]
    record = ChatRecord(
        CHAT, "group", TIME, 301, "member", 1, TIME, receipts=Receipts(delivered=1, read=0)
    )
    peer.session.learn([record])
    assert peer.take().of(Ticked) == [Ticked(CHAT, (mine.id,), 1, "delivered")]


def test_typing_of_others_expires() -> None:
    peer = Peer({ME: 1, CHAT: 0}).live().hear(Typing(CHAT, BEN), Typing(CHAT, BEN))
    assert peer.of(TypingChanged) == [TypingChanged(CHAT, BEN, True)]
    assert peer.wait(5.9).events == []
    assert peer.wait(0.1).of(TypingChanged) == [TypingChanged(CHAT, BEN, False)]
    peer.hear(Typing(CHAT, BEN), message(1))
    assert peer.of(TypingChanged)[-1] == TypingChanged(CHAT, BEN, False)


def test_focus_is_said_on_each_connection_and_peers_are_forgotten_with_it() -> None:
    peer = Peer().live()
    peer.session.focus([CHAT, OTHER, CHAT])
    peer.session.focus([CHAT, OTHER])
    assert peer.take().frames == [Focus([CHAT, OTHER])]
    here, gone = Presence(BEN, "online"), Presence(BEN, "offline", TIME)
    assert peer.hear(here, here, gone).events == [
        PresenceChanged(BEN, "online"),
        PresenceChanged(BEN, "offline", TIME),
    ]
    assert peer.session.screen.peers == {BEN: gone}
    peer.close()
    assert peer.session.screen.peers == {}
    peer.session.focus([OTHER])
    assert not peer.take().of(Focus)
    assert peer.connect().of(Focus) == [Focus([OTHER])]
    peer.session.focus([])
    assert not peer.hear(here).events  # it was on its way
    with pytest.raises(ValueError, match="51 chats"):
        peer.session.focus([ids.text("chat", n) for n in range(51)])


def test_the_own_log_tells_of_settings_and_blocks() -> None:
    peer = Peer({ME: 1}).live()
    privacy = Privacy(read_receipts=True, last_seen=False, inbox="contacts")
    told = peer.hear(
        Me(2, "settings", privacy=privacy, display_name="Anna"),
        Me(3, "block", user_id=BEN),
        Me(4, "of a later version", user_id=BEN),
        Me(5, "block", user_id=BEN, blocked=False),
    )
    assert told.events == [
        AccountChanged(privacy, "Anna"),
        BlockChanged(BEN, True),
        BlockChanged(BEN, False),
    ]
    assert peer.session.logs.me.place == 5


def test_own_typing_is_said_now_and_then() -> None:
    peer = Peer().live().take()
    for at in (0, 1, 2, 3):
        peer.session.typing(CHAT, True, peer.now + at)
    peer.session.typing(CHAT, False, peer.now + 4)
    peer.session.typing(CHAT, False, peer.now + 5)
    typing = Typing(CHAT)
    assert peer.take().frames == [typing, typing, Typing(CHAT, is_typing=False)]


# ── sending ──────────────────────────────────────────────────────────────────────────────────


def send(peer: Peer, client_id: str, chat_id: str = CHAT) -> Peer:
    peer.session.send(Send(client_id, chat_id), peer.now)
    return peer.take()


def sent(peer: Peer) -> list[str]:
    return [frame.client_id for frame in peer.of(Send)]


def test_send_is_stored_before_it_is_handed_over() -> None:
    peer = send(Peer().live(), "c1")
    assert isinstance(peer.commands[0], Save)
    assert peer.commands[0].sync
    assert peer.commands[0].records == [SendSaved(Send("c1", CHAT))]
    assert sent(peer) == ["c1"]
    peer.hear(ACK)
    assert peer.of(MessageAccepted) == [MessageAccepted("c1", ACK.id, CHAT, TIME)]
    assert peer.of(Save)[0].records == [SendSettled("c1")]
    assert peer.hear(ACK).of(MessageAccepted) == []


def test_outbox_is_sent_again_after_welcome_in_order() -> None:
    peer = Peer()
    for client_id in ("c1", "c2", "c3"):
        send(peer, client_id)
        assert peer.frames == []
    assert sent(peer.connect()) == ["c1", "c2", "c3"]  # not waiting for caught_up
    peer.hear(Ack(ids.text("msg", 2), CHAT, TIME, client_id="c2"))
    assert sent(peer.close().connect()) == ["c1", "c3"]


def test_stored_outbox_is_sent_by_the_next_process() -> None:
    state = saved({ME: 1})
    state.apply(SendSaved(Send("c1", CHAT)))
    assert sent(Peer(state=state).connect()) == ["c1"]


def test_own_message_settles_its_send() -> None:
    peer = send(Peer({ME: 1, CHAT: 0}).live(), "c1")
    peer.hear(message(1, sender=ANN, client_id="c1"))
    assert [e.client_id for e in peer.of(MessageAccepted)] == ["c1"]
    assert len(peer.session.outbox) == 0


def test_refused_send_holds_the_later_ones_of_its_chat() -> None:
    peer = Peer({ME: 1}).live()
    for client_id, chat in (("c1", CHAT), ("c2", CHAT), ("x1", OTHER)):
        send(peer, client_id, chat)
    peer.hear(Error("rate_limited", "slow", "c1", 2.0), Error("rate_limited", "slow", "c2", 1.0))
    assert sent(send(peer, "c3")) == []
    assert sent(send(peer, "x2", OTHER)) == ["x2"]
    assert sent(peer.wait(1.9)) == []
    assert sent(peer.wait(2.1)) == ["c1", "c2", "c3"]


def test_refusals_without_a_time_back_off() -> None:
    peer = send(Peer().live(), "c1")
    for n in range(8):
        peer.hear(Error("overloaded", "later", "c1"))
        until = peer.session.deadline(peer.now)
        if until is None:  # drew no delay at all
            continue
        assert until - peer.now <= 0.5 * 2**n
        assert sent(peer.wait(until - peer.now)) == ["c1"]


def test_permanent_refusal_is_reported_and_forgotten() -> None:
    peer = send(send(Peer().live(), "c1"), "c2")
    peer.hear(Error("cannot_message", "closed inbox", "c1"))
    assert peer.of(SendFailed) == [SendFailed("c1", "cannot_message", "closed inbox")]
    assert peer.of(Save)[0].records == [SendSettled("c1")]
    assert sent(peer.close().connect()) == ["c2"]


def test_sends_to_a_peer_and_to_his_chat_are_one_order() -> None:
    peer = Peer().live()
    peer.session.send(Send("c1", recipient_ids=[BEN]), peer.now)
    peer.take().hear(ACK)
    peer.session.send(Send("c2", recipient_ids=[BEN]), peer.now)
    peer.take().hear(Error("overloaded", "later", "c2", 5.0))
    assert sent(send(peer, "c3", CHAT)) == []


def test_only_so_many_are_in_flight() -> None:
    peer = Peer().live()
    for n in range(40):
        send(peer, f"c{n}")
    peer.close().connect()
    assert len(sent(peer)) == 32
    assert sent(peer.hear(Ack(ids.text("msg", 1), CHAT, TIME, client_id="c0"))) == ["c32"]


def test_outbox_is_bounded() -> None:
    peer = Peer(outbox=2)
    send(send(peer, "c1"), "c2")
    with pytest.raises(OutboxFull):
        send(peer, "c3")
