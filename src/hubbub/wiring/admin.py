"""What an operator does on a data folder, whether a server runs on it or not.

The database is opened beside the server's: both take turns at writing, and what is written here
(server keys, identities, a session) is nothing that the server remembers between two questions.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from hubbub.adapters.local.clock import SystemClock
from hubbub.adapters.local.secret import load_secret
from hubbub.adapters.local.tokens import JwtTokens
from hubbub.adapters.sqlite.accounts import SqliteAccounts
from hubbub.adapters.sqlite.beside import Beside, beside
from hubbub.adapters.sqlite.copy import copy_database
from hubbub.adapters.sqlite.examine import Examined, examine
from hubbub.config import Config
from hubbub.domain.account import SCOPES, Identity, Scope, ServerKey, Session, User
from hubbub.domain.credentials import EXTERNAL, KEY_PREFIX, secret_hash, session_name
from hubbub.ports import Unavailable
from hubbub.wiring.engine import PostgresEngine
from hubbub_protocol import ids
from hubbub_protocol.ids import IdMaker

__all__ = [
    "SCOPES",
    "Scope",
    "back_up",
    "create_key",
    "link_identity",
    "list_identities",
    "list_keys",
    "make_token",
    "revoke_key",
    "unlink_identity",
]

NODE: Final = ids.MAX_NODE
"""The node number of ids that are made here: no server has it."""
KEY_BYTES: Final = 24
HINT: Final = len(KEY_PREFIX) + 4
DEVICE: Final = "hubbub token"


def create_key(config: Config, name: str, scopes: Sequence[Scope]) -> str | None:
    """A new server key, which is stored as a hash alone; None where another has the name."""
    secret = KEY_PREFIX + secrets.token_hex(KEY_BYTES)
    now = SystemClock().now_ms()
    key = ServerKey(name, secret_hash(secret), secret[:HINT], tuple(scopes), now)
    with _database(config) as store:
        return secret if store.keys.add_key(key) else None


def list_keys(config: Config) -> list[ServerKey]:
    """All server keys, by name."""
    with _database(config) as store:
        return store.keys.keys()


def revoke_key(config: Config, name: str) -> bool:
    """End a server key: the next call with it is refused. False: there is none of this name."""
    with _database(config) as store:
        return store.keys.drop_key(name)


def make_token(config: Config, name: str, minutes: float) -> str | None:
    """An access token for a user, by name or id; None where there is no such user.

    All that are made for a user are of one session, so that trying things out signs nobody out.
    Raises Unavailable.
    """
    clock = SystemClock()
    now = clock.now_ms()
    with _database(config) as store:
        accounts = store.accounts
        user = _find(accounts, name)
        if user is None:
            return None
        life = max(7 * 24 * 60, minutes) * 60_000
        session = Session(
            IdMaker(NODE, clock.now_ms).make(),
            user.id,
            session_name(user.username, DEVICE),
            DEVICE,
            now,
            now,
            now + int(life),
        )
        entered = accounts.enter(user, session, now)
    if not entered.session_id:
        raise Unavailable("The machine's clock was set back; try again when it has caught up.")
    tokens = JwtTokens(load_secret(Path(config.server.data) / "secret.key"), minutes)
    return tokens.issue(user.id, entered.session_id, now)[0]


def back_up(config: Config, target: Path) -> Examined:
    """Copy a data folder to `target`, which is not there yet, while a server may run on it.

    The copy is a data folder, too. It is checked, and has its name only once all of it is on the
    disk. Raises Unavailable, OSError.
    """
    source = _database_path(config)
    if target.exists():
        raise FileExistsError(f"{target} is there already; each backup is a folder of its own.")
    aside = target.with_name(f"{target.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700, parents=True)
    (aside / source.name).touch(mode=0o600)
    copy_database(source, aside / source.name)
    shutil.copy2(source.with_name("secret.key"), aside)
    found = examine(aside / source.name, float("inf"))
    if found.damage:
        raise Unavailable(f"The copy in {aside} is damaged: {found.damage}. See `hubbub doctor`.")
    for path in (*aside.iterdir(), aside):
        _sync(path)
    aside.rename(target)
    _sync(target.parent)
    return found


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def list_identities(config: Config, user: str) -> list[tuple[str, str]]:
    """A user's identities: the provider's name (its issuer, where it has none now) and the subject.

    Raises Unavailable.
    """
    names = {told.issuer: name for name, told in config.oidc.items()}
    with _database(config) as store:
        found = store.identities.identities(_user(store.accounts, user).id)
    return [(names.get(each.issuer, each.issuer), each.subject) for each in found]


def link_identity(config: Config, user: str, provider: str, subject: str) -> bool:
    """Let whoever the provider means sign in as this user. False: they are another user already.

    Raises Unavailable.
    """
    identity = _identity(config, provider, subject)
    with _database(config) as store:
        return store.identities.link(identity, _user(store.accounts, user).id)


def unlink_identity(config: Config, provider: str, subject: str) -> str | None:
    """Take an identity away and end its user's sessions; the user's name. None: nobody has it.

    Raises Unavailable.
    """
    identity = _identity(config, provider, subject)
    with _database(config) as store:
        user = store.identities.unlink(identity, SystemClock().now_ms())
    return None if user is None else user.username


def _identity(config: Config, provider: str, subject: str) -> Identity:
    if provider not in config.oidc:
        raise Unavailable(f"The settings have no [oidc.{provider}]. Give the server's --config.")
    return Identity(config.oidc[provider].issuer, subject)


def _user(accounts: SqliteAccounts, name: str) -> User:
    user = _find(accounts, name)
    if user is None:
        raise Unavailable(f"There is no user {name!r}. Give a user name, user_… or ext:….")
    return user


def _find(accounts: SqliteAccounts, name: str) -> User | None:
    try:
        found = accounts.users([ids.parse("user", name)])
    except ids.BadId:
        # A host application's user may be named as the application does.
        found = accounts.named([name]) or accounts.named([EXTERNAL + name])
    return found[0] if found else None


def _database(config: Config) -> AbstractContextManager[Beside]:
    if config.database.url:
        return _postgres(config)
    return beside(str(_database_path(config)))


def _database_path(config: Config) -> Path:
    if config.database.url:
        raise Unavailable(
            "What is in PostgreSQL is backed up with its own pg_dump or pg_basebackup."
        )
    path = Path(config.server.data) / "hubbub.db"
    if not path.exists():
        raise Unavailable(
            f"{path.parent.resolve()} holds no data of a server. Start it once, or give --data."
        )
    return path


class _Blocking:
    """A store whose calls are waited for, here and now."""

    def __init__(self, store: object, runner: asyncio.Runner) -> None:
        self._store = store
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._store, name)
        return lambda *arguments: self._runner.run(method(*arguments))


@contextmanager
def _postgres(config: Config) -> Iterator[Any]:
    engine = PostgresEngine(config)
    with asyncio.Runner() as runner:
        try:
            runner.run(engine.open())
            blocking: Any = _Blocking(engine.store, runner)
            yield Beside(accounts=blocking, identities=blocking, keys=blocking)
        finally:
            runner.run(engine.stop())
