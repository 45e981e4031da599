"""What every answer gets: security headers, a cache rule, a request id, a line in the log and a count in the metrics."""

import re
from time import perf_counter

import structlog
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram

from scheduler.logs import request_id
from scheduler.web.access import entered

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Pico draws its small signs with data: images
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
REVALIDATE, NEVER_STORE = "no-cache", "no-store"
A_YEAR = 31_536_000
PROXYS_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

METRICS = CollectorRegistry()
REQUESTS = Counter("clinic_requests", "Requests answered", ("endpoint", "status"), registry=METRICS)
SECONDS = Histogram(
    "clinic_request_seconds",
    "Time to answer, by endpoint",
    ("endpoint",),
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10),
    registry=METRICS,
)

log = structlog.get_logger("requests")


def init_app(app: Flask) -> None:
    headers = dict(SECURITY_HEADERS)
    if app.config["PUBLIC_URL"].startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={A_YEAR}; includeSubDomains"
    behind_proxy = app.config["TRUSTED_PROXIES"] > 0

    def begin() -> None:
        g.began = perf_counter()
        if behind_proxy and PROXYS_REQUEST_ID.fullmatch(request.headers.get("X-Request-ID", "")):
            request.environ["clinic.request_id"] = request.headers["X-Request-ID"]

    def finish(response: Response) -> Response:
        given = response.headers
        for name, value in headers.items():
            if name not in given:
                given[name] = value
        if request.endpoint == "static" and request.args.get("v") and response.status_code < 400:
            # The address carries the file's hash (assets.py): a changed file has another address.
            given["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
        elif "Cache-Control" not in given:
            given["Cache-Control"] = _cache_rule()
        given["X-Request-ID"] = request_id()
        _tell(response)
        return response

    app.before_request_funcs.setdefault(None, []).insert(0, begin)
    app.after_request(finish)


def _cache_rule() -> str:
    """Nothing private is kept by a browser or on the way. (Pages that look at the session: see sessions.py.)"""
    access = entered()
    public = request.endpoint is None or (access is not None and access.who == "public")
    return REVALIDATE if public else NEVER_STORE


def _tell(response: Response) -> None:
    """Rules, not paths: a path may hold a feed's token, a query a patient's name."""
    seconds = perf_counter() - g.began
    endpoint = request.endpoint or "-"
    REQUESTS.labels(endpoint, response.status_code).inc()
    SECONDS.labels(endpoint).observe(seconds)
    log.info(
        "request",
        method=request.method,
        rule=request.url_rule.rule if request.url_rule else None,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
    )
