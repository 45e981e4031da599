"""HTTP under twilio's client, by urllib3: which says of a failed request whether it was surely not sent.

Libraries for HTTP report "connection lost" alike before and after the request was written. For a text that is the
difference between sending again and asking first whether it has gone out. So the body is handed over by an object that
knows whether any of it was asked for: a POST without its body is nothing that a server can act upon. All else that fails
is in doubt, which is safe: it is looked up before it is sent again.
"""

import json
import logging
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import urllib3
from twilio.http import HttpClient
from twilio.http.response import Response
from urllib3.util import make_headers

from scheduler import clock
from scheduler.gateways.sms import (
    ERROR_CODES,
    CodeMeaning,
    RefusalReason,
    SmsInDoubt,
    SmsRefused,
    SmsUnavailable,
    failure_of,
)

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0  # for one read
WRITE_WITHIN_SECONDS = 10.0  # from being asked: whoever asked takes it for lost some time after
CONNECTIONS = 128  # kept open
_PIECE = 16_384
_LONGEST_RETRY_AFTER = 86_400.0
_DIGITS = re.compile(r"\d{1,9}", re.ASCII)
logging.getLogger("urllib3").setLevel(logging.INFO)  # at DEBUG it logs addresses, which hold numbers
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class TwilioHttp(HttpClient):  # type: ignore[misc]
    """What twilio's Client sends its requests with, in place of its own on requests, which logs numbers.

    Raises SmsRefused, SmsUnavailable or SmsInDoubt unless the answer is a 2xx. Any number of threads may use it at once.
    """

    def __init__(self, origin: str) -> None:
        """`origin` as "https://api.twilio.com"; a path in it is left out."""
        super().__init__(logging.getLogger(__name__), is_async=False, timeout=None)
        self._pool = _pool(origin)

    def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
        *,
        asked_at: float | None = None,
    ) -> Response:
        """The address's host gives way to the pool's; its time limits are the pool's too.

        `asked_at`, by `clock.steady` (none: now): what has not left WRITE_WITHIN_SECONDS later never leaves.
        """
        address = urlsplit(uri)
        query = "&".join(part for part in (address.query, urlencode(params, doseq=True) if params else "") if part)
        body = _Body(urlencode(data or {}, doseq=True).encode(), asked_at) if method == "POST" else None
        try:
            answer = self._pool.urlopen(
                method,
                address.path + (f"?{query}" if query else ""),
                body=body,
                headers=_headers(headers, auth, body),
                retries=False,
                redirect=False,
            )
        except (TooLate, urllib3.exceptions.HTTPError) as error:
            if body is None or body.is_whole_here:
                raise SmsUnavailable from error
            raise SmsInDoubt(f"no answer: {type(error).__name__}") from error
        text = answer.data.decode(errors="replace")
        if not 200 <= answer.status < 300:
            raise _failure(answer.status, text, answer.headers)
        return Response(answer.status, text, answer.headers)


class TooLate(Exception):
    """The process stood still, or the server was slow to take the request in."""


class _Body:
    """A request's body, as urllib3 reads it: piece by piece, none of them after its time."""

    def __init__(self, content: bytes, asked_at: float | None) -> None:
        self._rest = content
        self.length = len(content)
        self._until = (clock.steady() if asked_at is None else asked_at) + WRITE_WITHIN_SECONDS
        self._is_late = False

    @property
    def is_whole_here(self) -> bool:
        """Whether the server cannot have all of it."""
        return self._is_late or len(self._rest) == self.length

    def __iter__(self) -> Iterator[bytes]:
        while self._rest:
            if clock.steady() > self._until:
                self._is_late = True  # what has left is less than the Content-Length says
                raise TooLate
            piece, self._rest = self._rest[:_PIECE], self._rest[_PIECE:]
            yield piece


def _pool(origin: str) -> urllib3.HTTPConnectionPool:
    server = urlsplit(origin)
    if server.scheme not in ("http", "https") or not server.hostname:
        raise ValueError(f"not the origin of a server: {origin!r}")
    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "maxsize": CONNECTIONS,
        "socket_options": _socket_options(),
    }
    if server.scheme == "http":
        return urllib3.connection_from_url(origin, **options)
    options["ssl_context"] = _tls()
    proxy = None if proxy_bypass(server.hostname) else getproxies().get("https")
    if proxy is None:
        return urllib3.connection_from_url(origin, **options)
    user = urllib3.util.parse_url(proxy).auth
    manager = urllib3.ProxyManager(
        proxy, proxy_headers=make_headers(proxy_basic_auth=user) if user else None, **options
    )
    return manager.connection_from_url(origin)


def _socket_options() -> list[tuple[int, int, int]]:
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    if hasattr(socket, "TCP_KEEPIDLE"):
        options.append((socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 20))  # routers forget connections that say nothing
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Else the system goes on for a quarter of an hour to deliver what a cut network held up, also for a process
        # that is dead: after we have asked whether it arrived, and sent it again.
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(READ_SECONDS * 1000)))
    return options


def _tls() -> ssl.SSLContext:
    """Trusts what the machine trusts, and certifi's roots, which a slim container may lack."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _headers(given: Mapping[str, str] | None, auth: tuple[str, str] | None, body: _Body | None) -> dict[str, str]:
    headers = {**(_FORM if body else {}), **(given or {})}
    if body is not None:
        headers["Content-Length"] = str(body.length)
    if auth is not None:
        headers.update(make_headers(basic_auth=":".join(auth)))
    return headers


def _failure(status: int, text: str, headers: Mapping[str, str]) -> SmsRefused | SmsUnavailable | SmsInDoubt:
    """What an answer other than 2xx says about the message. Twilio's own code speaks before the HTTP status."""
    code, retry_after = _twilio_code(text), _retry_after(headers)
    meaning = ERROR_CODES.get(code) if code is not None else None
    if meaning is CodeMeaning.LATER or (meaning is not None and status < 500):
        return failure_of(code, retry_after=retry_after)
    if status == 429 or status < 400:  # a redirect of a POST is nothing Twilio does: it reached something else
        return SmsUnavailable(retry_after, error_code=code)
    if status in (401, 407):
        return SmsUnavailable(retry_after, error_code=code, ours_to_mend=True)
    if status == 503 and retry_after is not None:
        return SmsUnavailable(retry_after, error_code=code)
    # A gateway says 502, 503 or 504 also when it lost the server after handing the request on, 408 likewise.
    if status >= 500 or status == 408:
        return SmsInDoubt(f"HTTP {status}")
    return SmsRefused(code, RefusalReason.UNKNOWN)


def _twilio_code(text: str) -> int | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return number(content.get("code")) if isinstance(content, dict) else None


def number(code: object) -> int | None:
    """One of Twilio's error codes or counts; None for what is none."""
    return int(code) if isinstance(code, int | str) and _DIGITS.fullmatch(str(code)) else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After of either form, a day at most; a date is counted from the server's own Date."""
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_RETRY_AFTER)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return min(max((until - now).total_seconds(), 0.0), _LONGEST_RETRY_AFTER)
    except (ValueError, TypeError):  # TypeError: one of the two without a zone
        return None
