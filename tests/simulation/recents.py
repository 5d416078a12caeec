"""What servers keep for the time when the store is away, compared with the store."""

from collections.abc import Sequence

import apsw

from hubbub.adapters.sqlite.reader import SqliteReader
from hubbub.adapters.sqlite.relations import SILENT
from hubbub.adapters.sqlite.rows import ROW, hidden_in
from hubbub.adapters.sqlite.seats import CHAT, MEMBER, STAYS
from hubbub.delivery.recent import Recent
from hubbub.domain import chat, recent
from hubbub.domain.account import User
from hubbub.domain.chat import Chat, Head, Interval, Member
from hubbub.domain.message import Row
from hubbub.domain.reading import Seat
from hubbub.domain.recent import Attendance, Beyond, Excerpt, RecentChat
from hubbub.domain.view import ChatView, History, MemberList

CHATS = f"SELECT {CHAT} FROM chats c WHERE id = ? AND size <= ?"
MEMBERS = f"""
    SELECT {MEMBER}, u.id, u.username, u.display_name, '', u.is_admin, u.created_at,
        {SILENT.format("m.user_id")}
    FROM members m JOIN users u ON u.id = m.user_id WHERE m.chat_id = ? AND m.left IS NULL
"""
NEWEST = f"SELECT {ROW} FROM messages WHERE chat_id = ? ORDER BY seq DESC LIMIT ?"
PAGE = 10


def excerpts(db: apsw.Connection, chat_ids: Sequence[int]) -> list[Excerpt]:
    """The port's answer from SQLite."""
    found = []
    most = recent.TAIL  # as the plan has it
    for chat_id in chat_ids:
        row = db.execute(CHATS, (chat_id, chat.LARGE)).get
        if row is not None:
            members = [_attendance(db, each) for each in db.execute(MEMBERS, (chat_id,)).fetchall()]
            rows = [Row(*each) for each in db.execute(NEWEST, (chat_id, most + 1))]
            excerpt = Excerpt(
                Chat(*row[4:]), Head(*row[:4]), members, rows[:most][::-1], len(rows) <= most
            )
            found.append(excerpt)
    return found


def _attendance(db: apsw.Connection, row: tuple[object, ...]) -> Attendance:
    member, user = Member(*row[:11]), User(*row[11:17])  # type: ignore[arg-type]
    stays = db.execute(STAYS, (member.chat_id, user.id))
    return Attendance(
        User(*user_fields(user)),
        member,
        [Interval(*stay) for stay in stays],
        hidden_in(db, member.chat_id, user.id),
        bool(row[17]),
    )


def user_fields(user: User) -> tuple[int, str, str, str, bool, int]:
    """As the port's User has them."""
    name = (user.username, user.display_name, user.password_hash)
    return (user.id, *name, bool(user.is_admin), user.created_at)


def judge(known: Recent, users: Sequence[int], db: apsw.Connection) -> list[str]:
    """At rest, all that can be shown of a chat without the store is what the store would show."""
    store = SqliteReader(db)
    wrong = []
    for chat_id, kept in list(known._chats.items()):
        if kept.behind:
            continue
        for user in users:
            try:
                shown = known.show(user, chat_id, _all)
            except Beyond:
                continue
            view, page = store.chat(user, chat_id), store.history(user, chat_id, "before", 0, PAGE)
            people = store.members(user, chat_id, 0, PAGE)
            if view is None or page is None or people is None or shown is None:
                if (view is None) != (shown is None):
                    wrong.append(f"G6: {user} in {chat_id} is shown {shown}, by the store {view}")
            else:
                wrong += [
                    f"recent: {user} in {chat_id}: {f}"
                    for f in _faults(shown, (view, page, people))
                ]
    return wrong


Shown = tuple[ChatView, History, MemberList]


def _all(of: RecentChat, seat: Seat) -> Shown:
    page = of.page(seat, "before", 0, PAGE)
    assert page is not None
    return of.view(seat), page, of.people(seat, 0, PAGE)


def _faults(shown: Shown, stored: Shown) -> list[str]:
    both = zip(NAMES, _exact(*shown), _exact(*_cut(stored, len(shown[1].rows))), strict=True)
    faults = [f"{name}: {mine}, stored {theirs}" for name, mine, theirs in both if mine != theirs]
    if shown[0].head.seq > stored[0].head.seq:
        faults.append(f"head: {shown[0].head}, stored {stored[0].head}")
    if stored[1].has_more and not shown[1].has_more:
        faults.append("there is more")
    for mine, theirs in zip(shown[2].members, stored[2].members, strict=False):
        one, other = mine.member, theirs.member
        if one.delivered > other.delivered or one.read > other.read:
            faults.append(f"cursors: {one}, stored {other}")
    return faults


def _cut(stored: Shown, count: int) -> Shown:
    """A page may be shorter where not all is known, and say that there is more than he may see."""
    view, page, people = stored
    rows = page.rows[: max(count, 1)]
    replies = {row.id: page.replies[row.id] for row in rows if row.id in page.replies}
    return view, History(rows, page.has_more, page.others, page.own, replies), people


NAMES = ("rows", "replies", "chat", "number", "peer", "hidden", "place", "people")


def _exact(view: ChatView, page: History, people: MemberList) -> tuple[object, ...]:
    """What is the same. The cursors of others may be behind, and what they are called; so may the
    position, if it is that of a change of an older message, of which nobody was told.
    """
    place = (view.member.role, view.member.since, view.member.read, view.member.muted_until)
    users = [each.user.id for each in people.members]
    peer = None if view.peer is None else view.peer.id
    return (page.rows, page.replies, view.chat, view.head.number, peer, view.hidden, place, users)
