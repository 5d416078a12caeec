"""Messages that users have hidden from themselves, in dictionaries."""

from hubbub.adapters.memory.state import State
from hubbub.domain.amend import counts_else, may_hide
from hubbub.domain.change import Amended, Denied
from hubbub.domain.message import EVERYBODY, Row
from hubbub.domain.own import MyHidden


def hide(state: State, row: Row, user_id: int) -> Amended | Denied:
    """Hide a message from one who sees it; what is hidden already stays so."""
    his = state.hidden.setdefault(user_id, {})
    if row.id in his:
        return Amended(row, False, EVERYBODY)
    if (denied := may_hide(len(his))) is not None:
        return denied
    me = MyHidden(user_id, state.next_me(user_id), row.chat_id, row.id, row.seq)
    his[row.id] = me
    member = state.members[row.chat_id, user_id]
    if counts_else(row, user_id, member.read):
        return Amended(row, False, EVERYBODY, (me, state.tell(member)))
    return Amended(row, False, EVERYBODY, (me,))


def hiders(state: State, row: Row) -> list[int]:
    """The present members who have hidden the message."""
    members = state.present_members(row.chat_id)
    return [m.user_id for m in members if row.id in state.hidden.get(m.user_id, {})]


def hidden_log(state: State, user_id: int, after: int) -> list[MyHidden]:
    """The own log's events of kind `hidden`."""
    return [me for me in state.hidden.get(user_id, {}).values() if me.rev > after]
