"""The views that everything is measured against, in the product's own process and on its own engine.

A Flask application of its own, so that none of the product's work is done before or after: what differs from the
product is the view alone, and all that the product does around one counts as the product's.
"""

import secrets
from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, bindparam, insert, select

from scheduler.models import Practitioner
from scheduler.models.base import Instant
from scheduler.models.engine import WRITING

EMPTY, SELECT, INSERT, QUERIES = "/yardstick/empty", "/yardstick/select", "/yardstick/insert", "/yardstick/queries"

ROW = Table(
    "yardstick_row",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", String(40), nullable=False),
    Column("practitioner_id", Integer, nullable=False, index=True),
    Column("made_at", Instant, nullable=False),
)
_ONE = select(Practitioner.id, Practitioner.given_name, Practitioner.family_name).where(
    Practitioner.slug == bindparam("slug")
)


def make_yardsticks(engine: Engine) -> Flask:
    app = Flask("yardsticks")

    @app.get(EMPTY)
    def empty() -> str:
        return ""

    @app.get(SELECT)
    def one_select() -> str:
        with engine.connect() as connection:
            return str(connection.execute(_ONE, {"slug": "p3"}).one().family_name)

    @app.post(INSERT)
    def one_insert() -> str:
        row = {"name": secrets.token_urlsafe(16), "practitioner_id": 3, "made_at": datetime.now(UTC)}
        with engine.connect().execution_options(**WRITING) as connection:
            connection.execute(insert(ROW), row)
            connection.commit()
        return ""

    return app
