"""Which version of the schema the code expects, which one a database has, and the way from one to the other."""

from functools import cache
from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect, text

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class DatabaseNewer(Exception):
    """The database was upgraded by newer code than this."""


class NotOurs(Exception):
    """The database holds somebody else's tables."""


@cache
def newest() -> str | None:
    """The revision that the code is written for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def present(connection: Connection) -> str | None:
    """The revision of this database; None when it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def require_known(connection: Connection) -> str | None:
    """The same. Refuses a database that is newer than the code, or not ours."""
    here = present(connection)
    if here is None and set(inspect(connection).get_table_names()) - {"alembic_version"}:
        raise NotOurs
    if here is not None and not _known(here):
        raise DatabaseNewer(here)
    return here


def upgrade(engine: Engine) -> None:
    """Bring the database to `newest`. Refuses one that is newer than the code, or not ours."""
    with engine.connect().execution_options(writing=True) as connection:
        here = require_known(connection)
        if here != newest():
            config = _config()
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
        connection.commit()


def _known(revision: str) -> bool:
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
