"""For whoever operates the service: is it there, can it work, what has it done."""

from datetime import datetime, timedelta

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from scheduler import clock, schema
from scheduler.extensions import db
from scheduler.models import Heartbeat, constraints
from scheduler.web import access
from scheduler.web.envelope import METRICS

SCHEDULER = "scheduler"
"""The heartbeat's name in its table."""

HEARTBEAT_MAX_AGE = timedelta(seconds=60)  # the scheduler ticks every 15

blueprint = Blueprint("health", __name__)
access.declare(blueprint, "public")


@blueprint.get("/healthz")
def alive() -> ResponseReturnValue:
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def ready() -> ResponseReturnValue:
    """503 and what is wrong, until everything that a booking and its reminders lean on is there."""
    wrong = problems(clock.now())
    return jsonify(ready=not wrong, problems=wrong), 503 if wrong else 200


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    return Response(generate_latest(METRICS), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def problems(now: datetime) -> dict[str, str]:
    """What is wrong, by its name; empty when all is well."""
    try:
        with db.reading.connect() as connection:
            return _database_problems(connection, now)
    except SQLAlchemyError:
        return {"database": "cannot be reached"}


def _database_problems(connection: Connection, now: datetime) -> dict[str, str]:
    found: dict[str, str] = {}
    version = schema.present(connection)
    newest = schema.newest()
    if version != newest:
        return {
            "migrations": f"the database is at {version or 'nothing'}, the code at {newest}: run `flask db upgrade`"
        }
    lost = constraints.missing(connection)
    if lost:
        found["constraints"] = f"missing: {', '.join(sorted(lost))}"
    at = connection.execute(select(Heartbeat.at).where(Heartbeat.name == SCHEDULER)).scalar()
    if at is None or now - at > HEARTBEAT_MAX_AGE:
        found["scheduler"] = "has never ticked" if at is None else f"last ticked at {at.isoformat(timespec='seconds')}"
    return found
