"""What a process remembers of active chats."""

from msgspec.structs import replace

from hubbub.domain.change import Logged, Made
from hubbub.domain.chat import LARGE, Chat, Found, Head
from hubbub.domain.events import UnsureEvent
from hubbub.domain.message import Row
from hubbub.domain.own import MyChat
from hubbub.domain.receipt import Passed
from hubbub.domain.roster import KnownChat, Roster

ANN, CHAT = 1, 7


def test_an_answer_that_comes_after_a_removal_lets_nobody_send() -> None:
    roster = Roster()
    size = LARGE + 2
    asked = Found(Chat(CHAT, "group", None, "All", "joined", 0, size), Head(5), (), "member", 0)
    chat = roster.found(asked, ANN)
    assert chat.has(ANN)
    gone = MyChat(ANN, 1, CHAT, False, "member", 1, 0, 0)
    roster.changed(Logged(9, CHAT, Head(6), size - 1, ANN, b"{}", [gone]))
    assert not chat.has(ANN)
    roster.found(asked, ANN, late=True)  # he typed, and was asked for before the commit
    assert not chat.has(ANN)


def test_who_left_hears_no_more_of_how_far_others_are() -> None:
    roster = Roster()
    small = Found(Chat(CHAT, "group", None, "All", "joined", 0, 3), Head(0), (ANN, 2, 3), None, 0)
    chat = roster.found(small, 2)
    chat.said(1, 9, ANN)
    assert chat.passed(0, 1, 2) == [Passed(ANN, 9, 1)]
    gone = MyChat(ANN, 1, CHAT, False, "member", 1, 0, 0)
    roster.changed(Logged(9, CHAT, Head(2), 2, ANN, b"{}", [gone]))
    assert chat.passed(0, 1, 2) == []


def test_each_author_hears_of_his_newest_message_that_was_passed() -> None:
    roster, members = Roster(), (ANN, 2, 3)
    small = Found(Chat(CHAT, "group", None, "All", "joined", 0, 3), Head(0), members, None, 0)
    chat = roster.found(small, 2)
    for seq, author in enumerate((ANN, 2, ANN, 3, ANN), start=1):
        chat.said(seq, 10 + seq, author)
    heard = chat.passed(0, 4, 3)
    assert heard is not None
    assert {(one.author_id, one.seq, one.message_id) for one in heard} == {(ANN, 3, 13), (2, 2, 12)}
    assert chat.passed(3, 4, 3) == []
    assert chat.passed(3, 5, 3) == [Passed(ANN, 15, 5)]


def test_who_is_removed_from_a_large_group_that_was_made_here_sends_no_more() -> None:
    roster, members = Roster(), tuple(range(1, LARGE + 3))
    came = [MyChat(user, 1, CHAT, True, "member", 1, 0, 0) for user in members]
    chat = roster.made(Made(CHAT, "group", len(members), members, came), None)
    gone = MyChat(ANN, 2, CHAT, False, "member", 1, 0, 0)
    roster.changed(Logged(9, CHAT, Head(1), len(members) - 1, ANN, b"{}", [gone]))
    assert ANN not in chat.members
    assert not chat.has(ANN)


def test_after_a_commit_that_may_have_been_who_is_where_it_was_only_said_something_stays() -> None:
    roster = Roster()
    said, changed, theirs, other = (
        roster.add(KnownChat(CHAT + n, "direct", 2, members, Head(4, 4)))
        for n, members in enumerate(((ANN, 2), (ANN, 2), (3, 4), (ANN, 2)))
    )
    for chat in (said, other):
        chat.remember(5, 55, ANN)
    roster.unsure(UnsureEvent(chats=(said.chat_id,), changed=(changed.chat_id,), users=(3,)))
    assert roster.get(said.chat_id) is said
    assert said.has(ANN)
    assert said.passed(4, 5, 2) is None
    said.remember(7, 77, ANN)
    assert said.passed(5, 7, 2) is None, "the store knows whose is 6"
    assert roster.get(changed.chat_id) is None
    assert not theirs.free
    assert other.free
    assert other.passed(4, 5, 2) == [Passed(ANN, 55, 5)]


def test_a_large_group_that_is_heard_of_as_a_small_one_is_asked_about() -> None:
    roster = Roster()
    message = Row(9, CHAT, 1, 1, 1, ANN, None, 1, "text", "words", b"", 0)
    roster.heard(message, large=True)
    chat = roster.get(CHAT)
    assert chat is not None
    assert chat.large
    roster.heard(replace(message, seq=2, rev=2, number=2), large=False)
    assert not roster.knows(CHAT)
