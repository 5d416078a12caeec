"""The book follows what the client tells and what REST answers."""

from hubbub_client import (
    ChatAdded,
    ChatRemoved,
    CursorMoved,
    GapFound,
    MessageAccepted,
    MessageArrived,
    MuteChanged,
    PresenceChanged,
    ReadMoved,
    ReceiptsCounted,
    Send,
    SendFailed,
    Settings,
    SettingsChanged,
    TypingChanged,
)
from hubbub_terminal.head import head
from hubbub_terminal.paint import counted
from tests.unit.terminal.made import ANN, AT, BOB, book, message, only, record, stored

ID = "019abcde-0000-7000-8000-000000000001"


def test_chats_are_listed_by_what_happened_last() -> None:
    state = book(record("chat_1"), record("chat_2", last_activity_at=AT.format(5)))
    assert [chat.id for chat in state.listed()] == ["chat_2", "chat_1"]
    state.apply(MessageArrived(message(1, created_at=AT.format(9))))
    assert [chat.id for chat in state.listed()] == ["chat_1", "chat_2"]
    state.queue(Send(ID, "chat_2", content="later"))
    assert state.listed()[0].id == "chat_1", "written in 2025, as its id says"


def test_a_message_ends_typing_and_counts_as_unread() -> None:
    state = book()
    state.unread_of = lambda _: (3, 1)
    state.apply(TypingChanged("chat_1", BOB.id, True))
    assert only(state).typers == {BOB.id}
    state.apply(MessageArrived(message(4)))
    assert only(state).typers == set()
    assert (only(state).unread, only(state).mentions, state.unread_chats) == (3, 1, 1)
    state.apply(ReadMoved("chat_1", 4, 0))
    assert (only(state).unread, only(state).read) == (0, 4)


def test_what_is_sent_is_accepted_or_refused() -> None:
    state = book()
    state.queue(Send(ID, "chat_1", content="a"))
    state.apply(MessageAccepted(ID, "msg_9", "chat_1", AT.format(1)))
    assert only(state).outgoing[ID].id == "msg_9"
    state.apply(SendFailed(ID, "forbidden", "Only admins write here."))
    assert only(state).outgoing[ID].refusal == "Only admins write here."
    only(state).confirm([stored(9, client_id=ID)])
    assert only(state).outgoing == {}


def test_what_waits_for_a_chat_that_is_not_known_yet_is_not_lost() -> None:
    state = book()
    state.queue(Send(ID, "chat_2", content="early"))
    state.apply(SendFailed(ID, "not_found", "No such chat."))
    state.learn([record("chat_2")])
    assert state.chats["chat_2"].outgoing[ID].refusal == "No such chat."


def test_chats_come_go_and_change() -> None:
    state = book()
    state.apply(ChatAdded("chat_2"))
    assert state.wants_chats == {"chat_2"}
    state.learn([record("chat_2")])
    assert not state.wants_chats
    state.apply(SettingsChanged("chat_2", Settings(title="Roses", posting="admins")))
    assert (state.chats["chat_2"].title, state.chats["chat_2"].may_write) == ("Roses", True)
    state.apply(MessageArrived(message(1, message_type="system", system={"kind": "member_left"})))
    assert state.wants_chats == {"chat_1"}, "its size"
    state.apply(GapFound("chat_2", 1, 9))
    assert state.chats["chat_2"].stale
    state.apply(ChatRemoved("chat_2"))
    assert set(state.chats) == {"chat_1"}


def test_ticks_of_history_in_a_group_are_asked_for() -> None:
    state = book()
    only(state).window.show([stored(3, sender_id=ANN.id)], older=False, newer=False)
    state.apply(CursorMoved("chat_1", BOB.id, 2, True))
    assert not state.wants_chats, "it has not got there"
    state.apply(CursorMoved("chat_1", BOB.id, 3, True))
    assert state.wants_chats == {"chat_1"}


def test_muted_chats_and_who_is_here() -> None:
    state = book(record(unread=3))
    assert (state.unread_chats, only(state).is_muted) == (1, False)
    state.apply(MuteChanged("chat_1", "2999-01-01T00:00:00.000Z"))
    assert (state.unread_chats, only(state).is_muted) == (0, True)
    state.apply(MuteChanged("chat_1", AT.format(0).replace("2026", "2020")))
    assert not only(state).is_muted
    direct = book(record(peer=BOB))
    assert "@bob" in head(only(direct), direct).plain
    direct.apply(PresenceChanged(BOB.id, "online"))
    assert "here now" in head(only(direct), direct).plain
    direct.apply(PresenceChanged(BOB.id, "offline", AT.format(1)))
    assert "last seen" in head(only(direct), direct).plain


def test_large_groups_count() -> None:
    state = book()
    state.apply(ReceiptsCounted("chat_1", 5, 300, 20))
    assert counted(only(state)) == "300 members got it, 20 read it"


def test_names_are_asked_for_once_they_are_wanted() -> None:
    state = book()
    assert state.name("user_carol") == "…"
    assert state.wants_people == {"user_carol"}
    assert state.called(ANN.id) == "you"


def test_who_is_named() -> None:
    state = book()
    assert state.named_in("@bob, and @Ann. not x@bob nor @@bob nor @carol") == [ANN.id, BOB.id]
    said = message(1, content="@ann and @far", mentions=[ANN.id, "user_far"])
    assert state.named_anew(said, "@ann!") == (None, None)
    assert state.named_anew(said, "nobody") == (["user_far"], None)
    assert state.named_anew(said, "@bob @all") == (["user_far", BOB.id], True)
    said = message(1, content="@all", mention_all=True)
    assert state.named_anew(said, "@ALL!") == (None, None)
    assert state.named_anew(said, "@ann") == ([ANN.id], False)
    assert state.names_me(message(1, mentions=[ANN.id]))
    assert state.names_me(message(1, mention_all=True))
    assert not state.names_me(message(1, mention_all=True, sender_id=ANN.id))
