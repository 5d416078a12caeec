"""Bodies of the REST calls about accounts, as types. `rest` has them by the same names."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from hubbub_protocol.frames import Privacy, SessionId, Time, UserId

# Upper case is taken as lower case; nobody has to know that to register.
Username = Annotated[str, Meta(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?$")]
Password = Annotated[str, Meta(min_length=8, max_length=256)]
DisplayName = Annotated[str, Meta(min_length=1, max_length=100)]


class Register(Struct, omit_defaults=True):
    """`invite`: the code of an invite link, needed unless registration is open."""

    username: Username
    password: Password
    display_name: DisplayName | None = None
    invite: Annotated[str, Meta(max_length=128)] | None = None


class Login(Struct):
    """User name and password."""

    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=256)]


class Refresh(Struct):
    """Exchanges a refresh token for new tokens; each refresh token works once."""

    refresh_token: Annotated[str, Meta(max_length=256)]


class User(Struct, omit_defaults=True):
    """A user as everyone may see him. Of a host application's, `username` is his `ext:` name.

    `status` and `last_seen_at` are told of one user who is asked for, to who may see them.
    """

    id: UserId
    username: str
    display_name: str
    is_admin: bool = False
    status: Literal["online", "offline"] | None = None
    last_seen_at: Time | None = None


class Account(User):
    """The user as he sees himself."""

    privacy: Privacy | None = None


class ChangePrivacy(Struct, omit_defaults=True):
    """Switches that are left out stay."""

    read_receipts: bool | UnsetType = UNSET
    last_seen: bool | UnsetType = UNSET
    inbox: Literal["everyone", "contacts"] | UnsetType = UNSET


class ChangeMe(Struct, omit_defaults=True):
    """What the user sets for himself; what is left out stays."""

    display_name: DisplayName | UnsetType = UNSET
    privacy: ChangePrivacy | UnsetType = UNSET


class BlockPage(Struct, omit_defaults=True):
    """Users whom the user has blocked."""

    users: list[User]
    has_more: bool
    cursor: str | None = None


class PutUser(Struct):
    """A host application's user, as he shall be."""

    display_name: DisplayName


class NamedUser(Struct):
    """The same with his name, `ext:<sub>`."""

    id: Annotated[str, Meta(pattern="^ext:", max_length=300)]
    display_name: DisplayName


class PutUsers(Struct):
    """Users to be made or renamed."""

    users: Annotated[list[NamedUser], Meta(min_length=1, max_length=1000)]


class Provider(Struct, omit_defaults=True):
    """An identity provider to sign in with: a browser opens `start_url`.

    `logout_url`: where people sign out of the provider itself, if it has that.
    """

    name: str
    title: str
    start_url: str
    logout_url: str | None = None


class Providers(Struct):
    """How people get in: by registering, and by these providers."""

    registration: Literal["open", "invite", "closed"]
    providers: list[Provider]


class Exchange(Struct):
    """The code with which a sign-in with a provider came back to the page."""

    code: Annotated[str, Meta(max_length=64)]


class SignedIn(Struct):
    """Tokens of a session: `token` is short-lived, `refresh_token` gets the next pair."""

    user: User
    session_id: SessionId
    token: str
    expires_at: Time
    refresh_token: str


class Session(Struct):
    """One sign-in of the user on one device."""

    id: SessionId
    created_at: Time
    last_used_at: Time
    device: str
    current: bool


class Sessions(Struct):
    """The user's sessions, most recently used first."""

    sessions: list[Session]


class UserPage(Struct):
    """Users found."""

    users: list[User]


class Invite(Struct):
    """A link that lets somebody register."""

    code: str
    url: str
    expires_at: Time
