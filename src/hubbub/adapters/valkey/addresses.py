"""What `valkey.url` says: addresses of servers, or of the Sentinels that watch them."""

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from redis import asyncio as redis
from redis.exceptions import RedisError

SCHEMES: Final = {
    "redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss", "unix": "unix"
}  # fmt: skip
ADDRESS: Final = re.compile(r"([\w+]+://(?:[^/?#]*@)?)([^/?#]*)(.*)", re.DOTALL)
"""What is before the hosts, the hosts, and what is after them: `urlsplit` takes one of them."""
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
    split = ADDRESS.fullmatch(url)
    try:
        if split is None:
            raise ValueError
        before, hosts, after = split.groups()
        parts, *others = (urlsplit(f"{before}{host}{after}") for host in hosts.split(","))
    except ValueError:
        raise ValueError("it is no address") from None
    kind = parts.scheme.removesuffix(SENTINEL)
    if kind not in SCHEMES:
        raise ValueError("its scheme is none of redis, rediss, redis+sentinel and rediss+sentinel")
    read = _servers if kind == parts.scheme else _sentinels
    found = read([one._replace(scheme=SCHEMES[kind]) for one in (parts, *others)])
    for address in (*found.hosts, found.like):
        _check(address)
    return found


def _servers(each: Sequence[SplitResult]) -> Named:
    found = [one.geturl() for one in each]
    return Named(found, found[0])


def _sentinels(each: Sequence[SplitResult]) -> Named:
    service, _, database = each[0].path.strip("/").partition("/")
    if not service:
        raise ValueError("the name by which the Sentinels know the server is missing: …/NAME")
    options = dict(parse_qsl(each[0].query))
    user, password = (quote(options.pop(word, ""), safe="") for word in LOGIN)
    query = urlencode(options)
    login = f"{user}:{password}@" if password else ""
    hosts = [
        one._replace(netloc=login + _with_port(one.netloc), path="", query=query).geturl()
        for one in each
    ]
    like = each[0]._replace(path=f"/{database}", query=query).geturl()
    return Named(hosts, like, unquote(service))


def _with_port(netloc: str) -> str:
    host = netloc.rpartition("@")[2]
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
