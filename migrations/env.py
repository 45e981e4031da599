"""Runs the migrations, from `flask db …` or on a connection handed in (at start and in tests)."""

from alembic import context
from sqlalchemy import Connection

from scheduler.models import Base
from scheduler.models.base import Instant, WallTime
from scheduler.models.constraints.postgresql import EXCLUSIONS
from scheduler.serving.database_check import require_known_database


def main() -> None:
    handed_in = context.config.attributes.get("connection")
    if handed_in is not None:
        migrate(handed_in)
        return
    from flask import current_app  # only `flask db …` has an application

    engine = current_app.extensions["migrate"].db.engine
    require_known_database(engine)
    with engine.connect().execution_options(writing=True) as connection:
        migrate(connection)
        connection.commit()


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render_type,
        include_object=ours,
        compare_type=connection.dialect.name == "postgresql",
        compare_server_default=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def render_type(kind: str, value: object, _autogen: object) -> str | bool:
    if kind == "type" and isinstance(value, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(value, WallTime):
        return "sa.DateTime()"
    return False


def ours(_object: object, name: str | None, kind: str, reflected: bool, _compare_to: object) -> bool:
    """An exclusion constraint brings its own index, which no model declares."""
    return not (kind == "index" and reflected and name in EXCLUSIONS)


main()
