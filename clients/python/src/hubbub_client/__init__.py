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
    TooLarge,
    Unreachable,
    WrongAccount,
)
from hubbub_client.events import (
    ChatAdded,
    ChatRemoved,
    ConnectionChanged,
    CursorMoved,
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
from hubbub_protocol.codes import Code, Refused
from hubbub_protocol.frames import Limits, Media, Message, Send
from hubbub_protocol.rest import (
    ChangeChat,
    ChatPage,
    Member,
    MemberPage,
    MessagePage,
    Role,
    Status,
    StoredMessage,
    User,
)
from hubbub_protocol.rest import Chat as ChatRecord

__all__ = [
    "AiohttpTransport",
    "Api",
    "ChangeChat",
    "ChatAdded",
    "ChatPage",
    "ChatRecord",
    "ChatRemoved",
    "Client",
    "ClientClosed",
    "Code",
    "Connection",
    "ConnectionChanged",
    "CursorMoved",
    "Disconnected",
    "Event",
    "FileStorage",
    "GapFound",
    "HubbubError",
    "Limits",
    "Media",
    "Member",
    "MemberPage",
    "MemoryStorage",
    "Message",
    "MessageAccepted",
    "MessageArrived",
    "MessageChanged",
    "MessagePage",
    "Options",
    "OutboxFull",
    "Pending",
    "ReadMoved",
    "ReceiptsCounted",
    "Refused",
    "Role",
    "Send",
    "SendFailed",
    "SendRefused",
    "ServerComplained",
    "Settings",
    "SettingsChanged",
    "SignedOut",
    "State",
    "Status",
    "Storage",
    "StorageBusy",
    "StoredMessage",
    "Ticked",
    "TokenProvider",
    "TooLarge",
    "Transport",
    "TypingChanged",
    "Unreachable",
    "User",
    "WrongAccount",
]
