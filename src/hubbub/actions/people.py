"""Users as the world sees them."""

from hubbub.domain.account import User
from hubbub_protocol import ids, rest


def shown(user: User) -> rest.User:
    """What everybody may know of a user."""
    return rest.User(
        id=ids.text("user", user.id),
        username=user.username,
        display_name=user.display_name,
        is_admin=user.is_admin,
    )
