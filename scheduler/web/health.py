"""For whoever operates the service: is it there, can it work, what has it done."""

import hmac
from contextlib import suppress
from ipaddress import ip_address, ip_network

from flask import Blueprint, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Forbidden

from scheduler import clock
from scheduler.extensions import clinic_settings, db
from scheduler.models import constraints
from scheduler.serving import schema
from scheduler.usecases.texts.sending.pace import sender_name
from scheduler.usecases.texts.sending.status import sms_status
from scheduler.web import access
from scheduler.web.requests.envelope import METRICS
from scheduler.web.sms_metrics import sms_metrics

NEAR = tuple(
    ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
)

blueprint = Blueprint("health", __name__)
access.declare(blueprint, "public")


@blueprint.get("/healthz")
def alive() -> ResponseReturnValue:
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
def ready() -> ResponseReturnValue:
    """503 and what is wrong, when this process or its database cannot do its work. Fit for a load balancer: how texts and
    workers fare is the same for all processes, and no reason to send patients to none of them (`/metrics` tells it)."""
    wrong = problems()
    return jsonify(ready=not wrong, problems=wrong), 503 if wrong else 200


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """For whoever is near (loopback or a private network) or has METRICS_TOKEN: how busy a clinic is, is its own affair.

    Requests of this process, and the state of sending, which is the same whichever process is asked.
    """
    if not (_has_token() or _is_near()):
        raise Forbidden
    told = generate_latest(METRICS)
    with suppress(SQLAlchemyError), db.reading.connect() as connection:
        sender = sender_name(current_app.config["SMS"])
        told += sms_metrics(sms_status(connection, clinic=clinic_settings(), now=clock.now(), sender=sender))
    return Response(told, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _has_token() -> bool:
    expected = current_app.config["METRICS_TOKEN"]
    kind, _space, given = request.headers.get("Authorization", "").partition(" ")
    return (
        bool(expected) and kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), expected.encode())
    )


def _is_near() -> bool:
    """What a proxy passes on counts as coming from where the proxy says, and that is known only if the proxy is one of
    TRUSTED_PROXIES: without them, or with too few addresses in the header, it comes from anywhere."""
    passed_on = request.headers.get("X-Forwarded-For")
    trusted = current_app.config["TRUSTED_PROXIES"]
    if passed_on is not None and not 0 < trusted <= len(passed_on.split(",")):
        return False
    if passed_on is None and any(header in request.headers for header in ("Forwarded", "X-Real-IP", "Via")):
        return False
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:  # a socket in the file system: whoever talks to it is a proxy
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in NEAR)


def problems() -> dict[str, str]:
    """What is wrong, by its name; empty when all is well."""
    try:
        with db.reading.connect() as connection:
            return _database_problems(connection)
    except SQLAlchemyError:
        return {"database": "cannot be reached"}


def _database_problems(connection: Connection) -> dict[str, str]:
    version = schema.present(connection)
    newest = schema.newest()
    if version != newest:
        return {
            "migrations": f"the database is at {version or 'nothing'}, the code at {newest}: run `flask db upgrade`"
        }
    lost = constraints.missing(connection)
    return {"constraints": f"missing: {', '.join(sorted(lost))}"} if lost else {}
