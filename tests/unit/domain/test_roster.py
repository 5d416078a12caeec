"""What a process remembers of active chats."""

from hubbub.domain.change import Logged
from hubbub.domain.chat import LARGE, Chat, Found, Head
from hubbub.domain.own import MyChat
from hubbub.domain.roster import Roster

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
