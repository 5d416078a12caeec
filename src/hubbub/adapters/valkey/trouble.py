"""What can go wrong between a server and Valkey, and what to do about it."""

from typing import Final

from redis.exceptions import AuthenticationError, RedisError

FAILURES: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""The last is uvloop's, of a connection that was reset since it was used last."""
UNTRUSTED: Final = "certificate verify failed: "
HUNG_UP: Final = ("Connection reset", "Connection closed", "[SSL: ")


def explained(error: BaseException) -> str:
    """As sentences, which tell no password."""
    if isinstance(error, AuthenticationError):
        return "It wants a password, or another one: redis://:PASSWORD@… in valkey.url."
    silent = "It does not answer" if isinstance(error, TimeoutError) else type(error).__name__
    reason = str(error).rstrip(".") or silent
    if UNTRUSTED in reason:
        why = reason.partition(UNTRUSTED)[2].partition(" (_ssl")[0].rstrip(".")
        return (
            f"Its certificate is not trusted: {why}. In valkey.url, write its host as the"
            " certificate does, and name the file of who signed it: rediss://…?ssl_ca_certs=FILE."
        )
    if "No such master" in reason:
        return "The Sentinels know no server by that name: compare the end of valkey.url."
    if "unknown command 'SENTINEL'" in reason:
        return "There is no Sentinel, but a server: redis://… in valkey.url."
    if any(word in reason for word in HUNG_UP):
        return (
            f"{reason}. It has ended; or it wants TLS, or none (rediss://, redis://), or a"
            " certificate: rediss://…?ssl_certfile=FILE&ssl_keyfile=FILE."
        )
    return f"{reason}. Compare valkey.url with where it listens, and with its firewall."
