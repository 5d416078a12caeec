"""What the core is made from: the adapters, by port, and what it is told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from hubbub.delivery.outgoing import Framing
from hubbub.domain.attempt import Seal
from hubbub.domain.limits import IngestLimits, MessageLimits
from hubbub.domain.provider import NotSignedIn
from hubbub.domain.reading import ReplayBounds
from hubbub.ports import (
    Accounts,
    ChatReader,
    ChatStore,
    Clock,
    Excerpts,
    HostAccounts,
    HostTokens,
    Identities,
    Invites,
    Joining,
    MessageReader,
    Operating,
    OwnLog,
    Passwords,
    Providers,
    Referring,
    Relations,
    ServerKeys,
    Tokens,
)
from hubbub.ports.buckets import SharedBuckets
from hubbub.ports.nodes import Nodes
from hubbub_protocol.ids import IdMaker


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The adapters, by port."""

    chats: ChatStore
    reader: ChatReader
    messages: MessageReader
    own_log: OwnLog
    referring: Referring
    joining: Joining
    operating: Operating
    relations: Relations
    accounts: Accounts
    host_accounts: HostAccounts
    identities: Identities
    server_keys: ServerKeys
    invites: Invites
    passwords: Passwords
    tokens: Tokens
    host_tokens: HostTokens | None
    """None where no host application's tokens are taken."""
    providers: Providers
    clock: Clock
    maker: IdMaker
    framing: Framing
    nodes: Nodes | None = None
    """The other processes on the same store; None where there are none."""
    buckets: SharedBuckets | None = None
    """Of all of them."""
    excerpts: Excerpts | None = None
    """None where nothing is shown while the store is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the core is told."""

    limits: MessageLimits
    ingest: IngestLimits
    bounds: ReplayBounds
    registration: Literal["open", "invite", "closed"]
    base_url: Callable[[], str]
    refresh_days: float
    token_ms: int
    heartbeat: float
    offline_after: float
    frame_bytes: int
    recent_bytes: int
    logins_per_minute: float
    registrations_per_minute: float
    seal: Seal
    not_signed_in: Callable[[str, NotSignedIn], None]
    """Hears of sign-ins with a provider that end, with its name."""
