"""The asynchronous Python client of Hubbub."""

from hubbub_client.api import Api
from hubbub_client.client import Client, Options
from hubbub_client.errors import (
    ClientClosed,
    Disconnected,
    HubbubError,
    OutboxFull,
    SendRefused,
    SignedOut,
    StorageBusy,
    Unreachable,
    WrongAccount,
)
from hubbub_client.events import (
    ChatAdded,
    ChatRemoved,
    ConnectionChanged,
    Event,
    GapFound,
    MessageAccepted,
    MessageArrived,
    MessageChanged,
    ReadMoved,
    ReceiptsCounted,
    SendFailed,
    ServerComplained,
    SettingsChanged,
    State,
    Ticked,
    TypingChanged,
)
from hubbub_client.hosted import TokenProvider
from hubbub_client.journal import FileStorage
from hubbub_client.pending import Pending
from hubbub_client.settings import Settings
from hubbub_client.storage import MemoryStorage, Storage
from hubbub_client.transport import AiohttpTransport, Connection, Transport
from hubbub_protocol.codes import Refused
from hubbub_protocol.frames import Media, Message

__all__ = [
    "AiohttpTransport",
    "Api",
    "ChatAdded",
    "ChatRemoved",
    "Client",
    "ClientClosed",
    "Connection",
    "ConnectionChanged",
    "Disconnected",
    "Event",
    "FileStorage",
    "GapFound",
    "HubbubError",
    "Media",
    "MemoryStorage",
    "Message",
    "MessageAccepted",
    "MessageArrived",
    "MessageChanged",
    "Options",
    "OutboxFull",
    "Pending",
    "ReadMoved",
    "ReceiptsCounted",
    "Refused",
    "SendFailed",
    "SendRefused",
    "ServerComplained",
    "Settings",
    "SettingsChanged",
    "SignedOut",
    "State",
    "Storage",
    "StorageBusy",
    "Ticked",
    "TokenProvider",
    "Transport",
    "TypingChanged",
    "Unreachable",
    "WrongAccount",
]
