"""What a cursor that moved tells: pure."""

from hubbub.domain.change import Advanced, Post, Posted


def by_sending(post: Post, outcome: Posted) -> Advanced:
    """Who sends has read what came before: its authors hear of it."""
    return Advanced(
        outcome.chat_id,
        post.sender_id,
        outcome.read_before,
        outcome.read_before,
        outcome.read_before,
        outcome.seq - 1,
        outcome.at,
        None,
        outcome.silent,
    )


def ranges(moved: Advanced) -> list[tuple[int, int, bool]]:
    """What was read, and what was only delivered: a read says both."""
    if moved.silent:
        after = max(moved.delivered, moved.read)
        return [(moved.delivered_before, after, False)] if moved.delivered_before < after else []
    found: list[tuple[int, int, bool]] = []
    before, read = moved.read_before, moved.read
    if before < read:
        found.append((before, read, True))
    before = moved.delivered_before
    if before < read:
        before = read
    if before < moved.delivered:
        found.append((before, moved.delivered, False))
    return found
