"""Every port that PostgreSQL serves, on one database."""

from hubbub.adapters.postgres.accounts import PostgresAccounts
from hubbub.adapters.postgres.chats import PostgresChatStore
from hubbub.adapters.postgres.excerpts import PostgresExcerpts
from hubbub.adapters.postgres.identities import PostgresIdentities
from hubbub.adapters.postgres.joining import PostgresJoining
from hubbub.adapters.postgres.keys import PostgresKeys
from hubbub.adapters.postgres.operating import PostgresOperating
from hubbub.adapters.postgres.reader import PostgresReader
from hubbub.adapters.postgres.referring import PostgresReferring
from hubbub.adapters.postgres.relations import PostgresRelations


class PostgresStore(
    PostgresChatStore,
    PostgresReader,
    PostgresExcerpts,
    PostgresReferring,
    PostgresJoining,
    PostgresOperating,
    PostgresRelations,
    PostgresAccounts,
    PostgresIdentities,
    PostgresKeys,
):
    """See the ports. Made of a `Database`, which is started and ended apart from it."""
