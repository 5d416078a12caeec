"""What the sessions of WebSockets share."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hubbub.delivery.hub import Hub
from hubbub.delivery.outgoing import Encoders
from hubbub.delivery.replay import Replays
from hubbub.delivery.subscriber import Subscriber
from hubbub.domain.account import Principal
from hubbub.domain.change import Amend, Outcome
from hubbub.domain.draft import Draft
from hubbub.domain.gate import Names
from hubbub.entry.ws.registry import Registry
from hubbub_protocol import frames
from hubbub_protocol.codec import Codec
from hubbub_protocol.codes import Refused
from hubbub_protocol.frames import ClientFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionParts:
    """What every session uses, made once."""

    authenticate: Callable[[str], Principal | None]
    """None: `enter` has to be asked."""
    enter: Callable[[str], Coroutine[Any, Any, Principal]]
    learn: Callable[[Sequence[str]], Coroutine[Any, Any, object]]
    compose: Callable[[int, frames.Send], Draft]
    limit: Callable[[int], None]
    put: Callable[[Any], None]
    """A draft on its way, and who waits for it (ingest's Waiting)."""
    target: Callable[[Draft], Names]
    amend: Callable[[int, frames.ChangeFrame], Amend]
    refusal: Callable[[Outcome], Refused]
    received: Callable[[Principal, Mapping[str, int]], None]
    received_to: Callable[[Principal, str, int], None]
    received_at: Callable[[Principal, int, int, int], None]
    read_to: Callable[[Principal, str, int], None]
    read_message: Callable[[Principal, str], Coroutine[Any, Any, object]]
    typing: Callable[[Principal, str, bool], bool]
    look_up_typing: Callable[[Principal, str, bool], Coroutine[Any, Any, object]]
    focus: Callable[[Subscriber, Sequence[int]], None]
    places: Callable[[dict[str, int]], tuple[dict[int, int] | None, int]]
    chats: Callable[[Sequence[str]], list[int]]
    spawn: Callable[[Coroutine[Any, Any, object]], bool]
    """Run beside; False when too much runs already (the coroutine is then closed)."""
    replays: Replays
    hub: Hub
    encoders: Encoders
    registry: Registry
    now_ms: Callable[[], int]
    monotonic: Callable[[], float]
    json: Codec[ClientFrame]
    msgpack: Codec[ClientFrame]
    heartbeat: float
    limits: frames.Limits
