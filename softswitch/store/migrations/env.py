"""What Alembic runs for a migration: on the connection that `softswitch.store.database` gives, never by itself."""

from alembic import context

from softswitch.store.columns import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)

with context.begin_transaction():
    context.run_migrations()
