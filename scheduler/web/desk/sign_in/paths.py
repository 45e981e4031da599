"""Addresses of the desk that a browser names: checked before anybody is sent there."""

from urllib.parse import urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException

LONGEST = 500


def desk_path(wanted: str) -> str | None:
    """If it is an address of the desk's; a browser reads //host and /\\host as another site."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return None
    ours = parts.path == "/desk" or parts.path.startswith("/desk/")
    if not ours or parts.scheme or parts.netloc or "\\" in wanted or len(wanted) > LONGEST or not wanted.isprintable():
        return None
    return wanted


def page_before() -> str:
    """The page from which this request came; the calendar where the browser does not say."""
    try:
        before = urlsplit(request.referrer or "")
    except ValueError:
        return url_for("desk_calendar.show")
    wanted = f"{before.path}?{before.query}".rstrip("?")
    return page_at(wanted if before.netloc == request.host else "")


def page_at(wanted: str) -> str:
    """That page of the desk. An address that only takes forms has no page: then the one above it."""
    wanted = desk_path(wanted) or ""
    path = wanted.partition("?")[0]
    if _is_page(path):
        return wanted
    while path and not _is_page(path):
        path = path.rpartition("/")[0]
    return path or url_for("desk_calendar.show")


def _is_page(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return False
    return path.startswith("/desk")
