"""One template for two places: a page of its own, and the panel beside the calendar."""

from typing import Any

from flask import Response, make_response, render_template, request
from werkzeug.urls import iri_to_uri


def in_panel() -> bool:
    return request.headers.get("HX-Request") == "true"


def wants_json() -> bool:
    """Asked by the calendar's own script (a card was dragged), which wants facts and not a page."""
    return request.accept_mimetypes.best == "application/json"


def address_of_panel() -> str:
    """Of what the panel shows, as a page of its own: panel.js says it with everything that is sent from there."""
    return request.headers.get("X-Panel", "")


def page(template: str, *, status: int = 200, changed: bool = False, **shown: Any) -> Response:
    """`changed`: the calendar beside the panel reads its days anew at once."""
    layout = "desk/panel.html" if in_panel() else "desk/base.html"
    response = make_response(
        render_template(template, layout=layout, in_panel=in_panel(), panel_address=_address(), **shown), status
    )
    if changed:
        response.headers["HX-Trigger"] = "desk-changed"
    response.headers["Vary"] = "HX-Request"
    return response


def _address() -> str:
    """An answer to a form has none; what it stands in keeps the one it had."""
    return iri_to_uri(request.full_path.rstrip("?")) if request.method == "GET" else address_of_panel()
