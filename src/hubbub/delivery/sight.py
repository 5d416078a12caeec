"""What this process sees of a user's connections, for whoever looks after the server."""

from hubbub.delivery.hub import Hub
from hubbub.domain.tracing import Sight


def sight(hub: Hub, user_id: int, chat_id: int) -> Sight:
    """His connections here: how many, which take nothing, which re-read this chat."""
    here = hub.of_user(user_id)
    return Sight(
        len(here),
        sum(subscriber.blocked for subscriber in here),
        sum(
            subscriber.replay is not None or chat_id in (subscriber.behind or ())
            for subscriber in here
        ),
    )
