"""One template for two places: a page of its own, and the panel beside the calendar."""

from typing import Any

from flask import Response, make_response, render_template, request


def in_panel() -> bool:
    return request.headers.get("HX-Request") == "true"


def wants_json() -> bool:
    """Asked by the calendar's own script (a card was dragged), which wants facts and not a page."""
    return request.accept_mimetypes.best == "application/json"


def page(template: str, *, status: int = 200, changed: bool = False, **shown: Any) -> Response:
    """`changed`: the calendar beside the panel reads its days anew at once."""
    layout = "desk/panel.html" if in_panel() else "desk/base.html"
    response = make_response(render_template(template, layout=layout, in_panel=in_panel(), **shown), status)
    if changed:
        response.headers["HX-Trigger"] = "desk-changed"
    response.headers["Vary"] = "HX-Request"
    return response
