"""What the user's own log tells beside chats, as events. Pure."""

from hubbub_client.events import BlockChanged, PrivacyChanged
from hubbub_protocol.frames import Me


def own_news(event: Me) -> list[BlockChanged | PrivacyChanged]:
    """Nothing for kinds of a later version of the protocol."""
    match event:
        case Me(kind="settings", privacy=privacy) if privacy is not None:
            return [PrivacyChanged(privacy)]
        case Me(kind="block", user_id=str(user_id)):
            return [BlockChanged(user_id, event.blocked)]
        case _:
            return []
