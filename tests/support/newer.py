"""The next version of the server: this one, and one more migration, of the kind that may be made.

Every table has a column more, and there is another table. The version before goes on beside it.
"""

from unittest.mock import patch

from hubbub.adapters.postgres import migrate
from hubbub.adapters.postgres.schema import MIGRATIONS
from hubbub.cli import main as hubbub

MORE = """
    CREATE TABLE later (id BIGINT PRIMARY KEY);
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
            AND relnamespace = current_schema()::regnamespace AND relname NOT LIKE 'schema_%'
        LOOP EXECUTE format('ALTER TABLE %I ADD COLUMN later INT NOT NULL DEFAULT 7', name);
        END LOOP;
    END $$
"""
PROGRAM = "from tests.support.newer import main; main()"
"""What starts it."""


def main() -> None:
    """`hubbub`, a version later."""
    with patch.object(migrate, "MIGRATIONS", (*MIGRATIONS, MORE)):
        hubbub()
