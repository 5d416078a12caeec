"""What this process sees of a user's connections, for whoever looks after the server."""

from hubbub.delivery.hub import Hub
from hubbub.delivery.tail import NO_SESSION
from hubbub.domain.tracing import Sight


def sight(hub: Hub, user_id: int, chat_id: int) -> Sight:
    """His connections here: how many, which take nothing, which re-read this chat."""
    here = [one for one in hub.of_user(user_id) if one.session_id != NO_SESSION]
    return Sight(
        len(here),
        sum(subscriber.blocked for subscriber in here),
        sum(
            subscriber.replay is not None or chat_id in (subscriber.behind or ())
            for subscriber in here
        ),
    )
