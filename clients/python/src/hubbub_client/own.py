"""What the user's own log tells beside memberships, as events. Pure."""

from collections.abc import Mapping

from hubbub_client.chat import Chat
from hubbub_client.events import AccountChanged, BlockChanged, MessageHidden, ReadMoved
from hubbub_protocol.frames import Me

OwnNews = BlockChanged | AccountChanged | MessageHidden | ReadMoved


def own_news(event: Me, chats: Mapping[str, Chat]) -> list[OwnNews]:
    """Nothing for kinds of a later version of the protocol."""
    match event:
        case Me(kind="settings", privacy=privacy) if privacy is not None:
            return [AccountChanged(privacy, event.display_name or "")]
        case Me(kind="block", user_id=str(user_id)):
            return [BlockChanged(user_id, event.blocked)]
        case Me(kind="hidden", chat_id=str(chat_id), message_id=str(message_id), seq=seq):
            chat = chats.get(chat_id)
            moved = [] if chat is None else chat.hide(message_id, seq)
            return [MessageHidden(chat_id, message_id, seq), *moved]
        case _:
            return []
