"""The stretch of messages that is held has no holes, whatever comes in which order."""

from hubbub_terminal.window import Window
from tests.unit.terminal.made import message


def seqs(window: Window) -> list[int]:
    return [each.seq for each in window.messages]


def page(first: int, last: int) -> list:
    return [message(seq) for seq in range(last, first - 1, -1)]


def test_nothing_is_taken_before_a_page_is_known() -> None:
    window = Window()
    assert not window.arrived(message(5))
    assert seqs(window) == []


def test_pages_at_both_ends_and_live_messages() -> None:
    window = Window()
    window.show(page(10, 14), older=True, newer=True)
    assert not window.arrived(message(20)), "there may be others before it"
    window.prepend(page(5, 9), more=True)
    window.append(page(15, 19), more=False)
    assert window.arrived(message(20))
    assert seqs(window) == list(range(5, 21))
    assert not window.arrived(message(3)), "older than what is held"
    assert not window.arrived(message(20)), "known"


def test_a_change_replaces_and_an_older_state_does_not() -> None:
    window = Window()
    window.show(page(1, 3), older=False, newer=False)
    assert window.arrived(message(2, rev=9, content="edited"))
    assert not window.arrived(message(2, rev=8, content="older"))
    assert [each.content for each in window.messages] == ["Message 1", "edited", "Message 3"]
    window.append([message(2, rev=2, content="from a slow page")], more=False)
    assert window.messages[1].content == "edited"


def test_a_replay_may_tell_of_a_message_after_later_ones() -> None:
    window = Window()
    window.show(page(1, 3), older=True, newer=False)
    window.arrived(message(5))
    assert window.arrived(message(4, rev=6)), "it was edited after 5 was sent"
    assert seqs(window) == [1, 2, 3, 4, 5]


def test_it_is_bounded_and_forgets_at_the_other_end() -> None:
    window = Window(most=10)
    window.show(page(11, 20), older=True, newer=False)
    window.prepend(page(6, 10), more=True)
    assert (seqs(window), window.newer) == (list(range(6, 16)), True)
    assert window.get("msg_16") is None
    window.append(page(16, 20), more=False)
    assert (seqs(window), window.older, window.newer) == (list(range(11, 21)), True, False)
    window.arrived(message(21))
    assert seqs(window) == list(range(12, 22))
