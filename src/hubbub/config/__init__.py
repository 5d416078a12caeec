"""Settings: one frozen tree, read once, from a TOML file and the environment.

`[limits] messages_per_second = 0` in the file is `HUBBUB_LIMITS_MESSAGES_PER_SECOND=0` in the
environment, which wins; what the command line says wins over both. Of `[oidc.corp] title` it is
HUBBUB_OIDC_CORP_TITLE. Each field says who would
turn it, and to what: `hubbub config` prints that, with the defaults, as a file to start from.
"""

import ipaddress
import re
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from hubbub.domain.issuer import Issuer
from hubbub.domain.provider import Provider

Role = Literal["both", "gateway", "worker"]
Registration = Literal["auto", "open", "invite", "closed"]

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Rate = Annotated[float, Meta(ge=0)]
Seconds = Annotated[float, Meta(gt=0)]


LEAST_RETENTION: Final = 33
"""Days. A message that is sent again must be known for 30 (G2), by whichever of the clocks."""


class BadConfig(Exception):
    """A setting cannot be used. The message names it, and says what it may be."""


def why(reason: str) -> Meta:
    """Who would turn this setting, and to what."""
    return Meta(description=reason)


class Server(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What it does, where it listens, and where it keeps things."""

    role: Annotated[
        Role,
        why("gateway where the chores of the database are left to others; worker does those alone, "
            "and serves nobody. One of all workers leads. Both need database.url."),
    ] = "both"  # fmt: skip
    host: Annotated[
        str, why("0.0.0.0 or :: when other machines shall reach it; then give it TLS, or a proxy.")
    ] = "127.0.0.1"
    port: Annotated[
        Annotated[int, Meta(ge=0, le=65535)],
        why("another when 8080 is in use; 443 with TLS; 0 for any free one."),
    ] = 8080
    data: Annotated[
        str, why("a folder on the disk that is backed up: it holds everything there is.")
    ] = "hubbub-data"
    tls_cert: Annotated[
        str, why("a PEM file with the certificate chain, when no proxy in front does TLS.")
    ] = ""
    tls_key: Annotated[str, why("the PEM file with the key that belongs to tls_cert.")] = ""
    base_url: Annotated[
        str,
        why("the address that people type, for instance https://chat.example.org, when it is not "
            "http://host:port: links, such as invites, begin with it."),
    ] = ""  # fmt: skip
    origins: Annotated[
        tuple[str, ...],
        why("web pages of other addresses that may call this server from a browser, for instance "
            '["https://app.example.org"]; "*" for all.'),
    ] = ()  # fmt: skip
    trusted_proxies: Annotated[
        tuple[str, ...],
        why("addresses of proxies in front: only theirs are believed when X-Forwarded-For says "
            "who calls, which the limits by address need."),
    ] = ()  # fmt: skip
    metrics: Annotated[
        Literal["private", "public"],
        why("who may read /metrics. private: this machine and its private network, unless a proxy "
            "passes it on for others; public: everybody, where something else keeps them away."),
    ] = "private"  # fmt: skip
    metrics_token: Annotated[
        str, why("a secret; who has it as a bearer token reads /metrics from anywhere.")
    ] = ""
    max_connections: Annotated[
        Positive, why("less on a small machine; each takes about 10 KB, and one open file.")
    ] = 18_000
    heartbeat: Annotated[
        Seconds,
        why("seconds between pings; less when something on the way closes quiet connections "
            "sooner than after a minute, more to save phones' batteries."),
    ] = 30.0  # fmt: skip
    drain_delay: Annotated[
        Rate,
        why("seconds in which a server that is asked to stop says so at /readyz and goes on; 3 "
            "behind a load balancer, which then sends nobody to a closed door."),
    ] = 0.0  # fmt: skip
    offline_after: Annotated[
        Seconds,
        why("seconds without a connection until a user is shown as offline; more where networks "
            "are lost for longer, as on trains."),
    ] = 30.0  # fmt: skip


class Database(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where chats, messages and accounts are stored, when not in the data folder."""

    url: Annotated[
        str,
        why("postgres://user:password@host/name to store in PostgreSQL 15 or newer; several hosts, "
            "with commas between them, where a standby may take over."),
    ] = ""  # fmt: skip
    replica_url: Annotated[
        str,
        why("as url, of standbys that stream from it: pages of history are read there unless they "
            "are behind, which keeps the primary for messages."),
    ] = ""  # fmt: skip
    connections: Annotated[
        Annotated[int, Meta(ge=2, le=1_000)],
        why("at once to PostgreSQL; all servers together stay below its max_connections."),
    ] = 10
    recent_megabytes: Annotated[
        Count,
        why("of memory for recent messages of active chats, which are shown while PostgreSQL is "
            "away; more where many chats are active, 0 for none."),
    ] = 64  # fmt: skip
    durability: Annotated[
        Literal["primary", "standby"],
        why("standby where a failover must lose nothing: a server is then not ready while no "
            "standby of PostgreSQL is synchronous, and says what to type."),
    ] = "primary"  # fmt: skip


class Valkey(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What joins several servers on one database; where there is one server it is not needed."""

    url: Annotated[
        str,
        why("redis://:password@host:6379 (rediss:// with TLS) of Valkey 8 or Redis 7 and newer, to "
            "have several servers share the database; some hosts of a cluster of Valkey, with "
            "commas between them; redis+sentinel://:password@host:26379,host:26379/name where "
            "Sentinels watch it. Nothing is stored there."),
    ] = ""  # fmt: skip


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the edge takes. 0 switches a limit off."""

    content_bytes: Annotated[
        Count, why("more for long texts; every member of a chat has to load it.")
    ] = 16 * 1024
    frame_bytes: Annotated[
        Annotated[int, Meta(ge=1024, le=16 * 1024 * 1024)],
        why("together with content_bytes; memory that one sender may occupy before he is checked."),
    ] = 64 * 1024
    media: Annotated[Count, why("media a message; more for an album application.")] = 10
    recipients: Annotated[
        Annotated[int, Meta(ge=0, le=1000)],
        why("recipients of a message without chat_id; fewer to have groups made by name only."),
    ] = 256
    mentions: Annotated[Count, why("users that a message names; fewer where spam is one.")] = 50
    group_members: Annotated[
        Annotated[int, Meta(ge=2, le=100_000)], why("less to keep members from mass invitations.")
    ] = 100_000
    messages_per_second: Annotated[
        Rate, why("a user; 0 for bots and load tests, less where spam is a problem.")
    ] = 30.0
    message_burst: Annotated[
        Positive, why("messages at once, after a pause; as messages_per_second.")
    ] = 60
    edit_hours: Annotated[
        Rate, why("hours in which a sender may edit; less where what was said must stand.")
    ] = 48.0
    logins_per_minute: Annotated[
        Rate, why("tries per address, and per user name; more where many share an address.")
    ] = 30.0
    registrations_per_minute: Annotated[
        Rate, why("new accounts per address; 0 for load tests, more for a class in one room.")
    ] = 20.0


class Auth(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who gets in."""

    registration: Annotated[
        Registration,
        why("open: everybody may register; invite: whoever has a link; closed: nobody. auto is "
            "open while it listens on this machine alone, invite beyond."),
    ] = "auto"  # fmt: skip
    access_token_minutes: Annotated[
        Annotated[float, Meta(gt=0, le=1440)],
        why("less to have a leaked token end sooner, more for fewer refreshes."),
    ] = 15.0
    refresh_days: Annotated[
        Annotated[float, Meta(gt=0, le=3650)],
        why("how long a device stays signed in unused; less where devices are shared."),
    ] = 30.0
    argon2_memory_kib: Annotated[
        Annotated[int, Meta(ge=64, le=4 * 1024 * 1024)],
        why("more where sign-ins are rare and memory is plenty; 19456 is the least advised."),
    ] = 19 * 1024
    argon2_passes: Annotated[
        Annotated[int, Meta(ge=1, le=100)], why("as argon2_memory_kib; it costs time instead.")
    ] = 2


class Ingest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The queue in front of the store."""

    queue: Annotated[
        Positive, why("changes that may wait; more to ride out longer bursts, with longer waits.")
    ] = 10_000
    batch: Annotated[
        Annotated[int, Meta(ge=1, le=10_000)],
        why("changes a commit; fewer for a slow disk on which large commits take too long."),
    ] = 1_000


class Replay(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is pushed to whoever comes back; older things he asks for himself."""

    hours: Annotated[
        Annotated[float, Meta(gt=0)], why("more where people return after weekends.")
    ] = 24.0
    per_chat: Annotated[Positive, why("events; less for clients that show little.")] = 1_000
    per_resume: Annotated[Positive, why("events over all chats; less for weak devices.")] = 20_000


class Retention(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long messages are kept, in PostgreSQL."""

    days: Annotated[
        Count,
        why("days for which messages are kept, 33 or more; older ones are dropped by the day. 0 "
            "keeps all. Say it to all servers, since any one of them does it."),
    ] = 0  # fmt: skip


class Log(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What it tells."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        why("debug to find out why something is refused; warning for a quiet log."),
    ] = "info"
    format: Annotated[
        Literal["auto", "json", "text"],
        why("json for machines, text for people; auto is text on a terminal, else json."),
    ] = "auto"


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All settings."""

    server: Server = Server()
    database: Database = Database()
    valkey: Valkey = Valkey()
    limits: Limits = Limits()
    auth: Auth = Auth()
    ingest: Ingest = Ingest()
    replay: Replay = Replay()
    retention: Retention = Retention()
    log: Log = Log()
    issuers: dict[str, Issuer] = {}
    """Host applications whose access tokens are taken, by name."""
    oidc: dict[str, Provider] = {}
    """Identity providers that people sign in with, by name."""


# ── what follows from the settings ───────────────────────────────────────────────────────────


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def registration(config: Config) -> Literal["open", "invite", "closed"]:
    """How people register: `auto` is open on loopback, invite beyond."""
    chosen = config.auth.registration
    if chosen == "auto":
        return "open" if is_loopback(config.server.host) else "invite"
    return chosen


def base_url(config: Config, port: int) -> str:
    """What links begin with, once the server listens on this port."""
    server = config.server
    if server.base_url:
        return server.base_url.rstrip("/")
    scheme, usual = ("https", 443) if server.tls_cert else ("http", 80)
    host = server.host
    if host in ("0.0.0.0", "::", "") or is_loopback(host):
        host = "localhost"
    elif ":" in host:
        host = f"[{host.strip('[]')}]"
    return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"


def database(config: Config) -> str:
    """Where it stores, without the password."""
    return without_password(config.database.url)


def without_password(url: str) -> str:
    """An address as it may be told."""
    url = re.sub(r"//([^/@:]*)(:[^?]*)?@", r"//\1@", url)
    return re.sub(r"([?&]\w*password=)[^&]*", r"\1", url)
