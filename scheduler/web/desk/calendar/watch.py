"""Whether anything has changed: what every open calendar asks every few seconds, all day.

The address is the session's own, known to the page that it was given to. It says that the calendar changed and nothing
else, so it can do without the cookie, whose session, person and language would cost twice the answer.
"""

import re

from flask import Blueprint, Response, abort

from scheduler import clock
from scheduler.extensions import clinic_local, db
from scheduler.queries.staff.live_sessions import staff_by_hash
from scheduler.web import access
from scheduler.web.requests.unchanged import Unchanged, is_known

blueprint = Blueprint("desk_watch", __name__)
access.declare(blueprint, "public")  # the address is what lets in

ADDRESS = re.compile(r"[0-9a-f]{64}")
HEADERS = {"Cache-Control": "no-cache, private", "Referrer-Policy": "no-referrer"}


@blueprint.get("/watch/<address>")
def ask(address: str) -> Response:
    """304 while nothing has changed: for a minute at most, since the line for now moves on. 404 once signed out."""
    now = clock.now()
    staff = staff_by_hash(db.engine, address, now=now) if ADDRESS.fullmatch(address) else None
    if staff is None:
        abort(404)
    now_local = clinic_local(now)
    etag = f"{'.'.join(map(str, staff.desk_state))}-{now_local:%H%M}"
    if is_known(etag):
        return Unchanged(etag, HEADERS)
    return Response(status=200, headers={**HEADERS, "ETag": f'"{etag}"'})
