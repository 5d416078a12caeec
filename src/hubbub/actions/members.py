"""One member among those of a chat."""

from hubbub.actions.references import no_member
from hubbub.domain.chat import Member
from hubbub.domain.view import ChatView
from hubbub.ports import ChatReader
from hubbub_protocol import ids


async def find_member(reader: ChatReader, view: ChatView, user: int) -> Member:
    """A present member of the chat that the caller sees. Raises Refused `not_found`."""
    # The page of one that begins with him: members come in the order of their ids.
    page = await reader.members(view.member.user_id, view.chat.id, user - 1, 1)
    if page is None or not page.members or page.members[0].user.id != user:
        raise no_member(ids.text("user", user))
    return page.members[0].member
