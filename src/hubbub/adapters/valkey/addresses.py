"""What `valkey.url` says: addresses of servers, or of the Sentinels that watch them."""

from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from redis import asyncio as redis
from redis.exceptions import RedisError

SCHEMES: Final = {
    "redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"
}  # fmt: skip
SENTINEL: Final = "+sentinel"
SENTINEL_PORT: Final = 26379
LOGIN: Final = ("sentinel_username", "sentinel_password")
"""Options of an address of Sentinels, which have users of their own."""
FILES: Final = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")


class Named(NamedTuple):
    """An address for each host, which are servers; or Sentinels, which watch `service`.

    `like`: the address of a server, but for its host and port.
    """

    hosts: list[str]
    like: str
    service: str = ""


def named(url: str) -> Named:
    """What it names. Raises ValueError, whose text says what is wrong and tells no password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("it is no address") from None
    kind = parts.scheme.removesuffix(SENTINEL)
    if kind not in SCHEMES:
        raise ValueError("its scheme is none of redis, rediss, redis+sentinel and rediss+sentinel")
    read = _servers if kind == parts.scheme else _sentinels
    found = read(parts._replace(scheme=SCHEMES[kind]))
    for address in (*found.hosts, found.like):
        _check(address)
    return found


def _servers(parts: SplitResult) -> Named:
    user, at, hosts = parts.netloc.rpartition("@")
    found = [parts._replace(netloc=f"{user}{at}{host}").geturl() for host in hosts.split(",")]
    return Named(found, found[0])


def _sentinels(parts: SplitResult) -> Named:
    service, _, database = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("the name by which the Sentinels know the server is missing: …/NAME")
    options = dict(parse_qsl(parts.query))
    user, password = (quote(options.pop(word, ""), safe="") for word in LOGIN)
    like = parts._replace(path=f"/{database}", query=urlencode(options))
    login = f"{user}:{password}@" if password else ""
    hosts = [
        like._replace(netloc=login + _with_port(host), path="").geturl()
        for host in parts.netloc.rpartition("@")[2].split(",")
    ]
    return Named(hosts, _servers(like).like, unquote(service))


def _with_port(host: str) -> str:
    has_one = ":" in host.rpartition("]")[2]
    return host if has_one else f"{host}:{SENTINEL_PORT}"


def _check(address: str) -> None:
    """Raises ValueError where nobody could connect with it."""
    try:
        urlsplit(address).port  # noqa: B018, the text of this error would tell part of a password
    except ValueError:
        raise ValueError(
            "a port is no number; in a password / is written %2F, : %3A, # %23, ? %3F, @ %40"
        ) from None
    try:
        pool: Any = redis.ConnectionPool.from_url(address)
        connection = pool.make_connection()
    except TypeError as error:
        option = str(error).rpartition(" ")[2].strip("'")
        hint = ", which goes with rediss://" if option.startswith("ssl_") else ""
        raise ValueError(f"there is no option {option}{hint}") from None
    except (RedisError, ValueError) as error:
        raise ValueError(str(error).rstrip(".")) from None
    if isinstance(connection, redis.SSLConnection):
        try:
            connection.ssl_context.get()
        except OSError as error:
            options = parse_qsl(urlsplit(address).query)
            files = ", ".join(value for option, value in options if option in FILES)
            raise ValueError(f"certificates of {files}: {error}") from None


def at(url: str, host: object, port: object) -> str:
    """The address of another server of that cluster; without a host it is on the same one."""
    parts = urlsplit(url)
    user, sign, _ = parts.netloc.rpartition("@")
    host = host or parts.hostname
    host = f"[{host}]" if ":" in str(host) else host
    return parts._replace(netloc=f"{user}{sign}{host}:{port}").geturl()
