"""What Alembic runs around the migrations: they go through the connection that `store.database` hands over.

The transaction is the caller's, so a migration happens as a whole or not at all.
"""

from alembic import context
from sqlmodel import SQLModel

import store.calls
import store.direct
import store.outbox
import store.posed
import store.shown
import store.tables
import store.tokens
import store.work  # noqa: F401  (all fill SQLModel.metadata)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,  # SQLite can, once sqlite3's own transaction rules are off
)
with context.begin_transaction():
    context.run_migrations()
