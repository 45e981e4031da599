"""HTTP requests over connections kept open, which tell how far a failed request got.

Libraries for HTTP report "connection lost" alike before and after the whole request was written. For a text
message that is the difference between sending again and asking first whether it has gone out.
"""

import base64
import select
import socket
import ssl
import struct
import time
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi

from scheduler import clock
from scheduler.gateways.http_message import Answer, read_answer, request_bytes

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
WRITE_WITHIN_SECONDS = 10.0  # from being asked: whoever asked takes it for lost some time after
IDLE_SECONDS = 30.0  # a server closes idle connections sooner or later: not to race with it
IDLE_CONNECTIONS = 128


class NotSent(Exception):
    """The server got at most a part of the request, which it cannot act upon."""


class AnswerLost(Exception):
    """The whole request was written, and no whole answer came."""


class HttpPool:
    """Connections to one server; any number of threads may use it at once."""

    def __init__(
        self, origin: str, *, connect_seconds: float = CONNECT_SECONDS, read_seconds: float = READ_SECONDS
    ) -> None:
        """`origin` as "https://api.twilio.com"; a path in it is left out. `read_seconds` is for one read."""
        server = urlsplit(origin)
        if server.scheme not in ("http", "https") or not server.hostname:
            raise ValueError(f"not the origin of a server: {origin!r}")
        self._netloc = server.netloc
        self._tls = _tls() if server.scheme == "https" else None
        self._connect_seconds, self._read_seconds = connect_seconds, read_seconds
        self._idle: deque[tuple[float, HTTPConnection]] = deque()
        weakref.finalize(self, _close, self._idle)

    def exchange(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        asked_at: float | None = None,
    ) -> Answer:
        """Raises NotSent or AnswerLost; redirects are not followed. `asked_at`: by `clock.steady`; none is now."""
        until = (clock.steady() if asked_at is None else asked_at) + WRITE_WITHIN_SECONDS
        connection = self._with_request_written(
            request_bytes(method, target, body, {"Host": self._netloc, **headers}), until
        )
        try:
            answer, stays_open = read_answer(connection.sock)
        except (OSError, ValueError) as error:
            _drop(connection)
            raise AnswerLost(type(error).__name__) from error
        if stays_open:
            self._keep(connection)
        else:
            connection.close()
        return answer

    def _with_request_written(self, request: bytes, until: float) -> HTTPConnection:
        """A failure to write on a connection kept from before means that the server had closed it meanwhile.

        Finding the server may take long (names with many addresses, a process that was stopped, a machine asleep): then
        nothing is written.
        """
        while True:
            kept = self._take_idle()
            connection = kept or self._new()
            try:
                if kept is None:
                    connection.connect()
                    self._prepare(connection.sock)
                _write(connection.sock, request, until)
                connection.sock.settimeout(self._read_seconds)
            except NotSent:
                connection.close()
                raise
            except (OSError, HTTPException) as error:
                connection.close()
                if kept is None:
                    raise NotSent(type(error).__name__) from error
            else:
                return connection

    def _take_idle(self) -> HTTPConnection | None:
        """The one used last, so that those not needed grow old."""
        while True:
            try:
                since, connection = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() - since < IDLE_SECONDS and not _has_input(connection):
                return connection
            connection.close()

    def _new(self) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._netloc, timeout=self._connect_seconds)
        proxy = None if proxy_bypass(self._netloc) else getproxies().get("https")
        if proxy is None:
            return HTTPSConnection(self._netloc, timeout=self._connect_seconds, context=self._tls)
        return self._through(proxy)

    def _through(self, proxy: str) -> HTTPConnection:
        address = urlsplit(proxy)
        headers = {}
        if address.username:
            user = f"{unquote(address.username)}:{unquote(address.password or '')}"
            headers["Proxy-Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        connection = HTTPSConnection(
            address.hostname or "", address.port or 80, timeout=self._connect_seconds, context=self._tls
        )
        connection.set_tunnel(self._netloc, headers=headers)
        return connection

    def _prepare(self, connection: socket.socket) -> None:
        connection.settimeout(self._read_seconds)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            # Else the system goes on for a quarter of an hour to deliver what a cut network held up, also for a process
            # that is dead: after we have asked whether it arrived, and sent it again.
            patience = int(self._read_seconds * 1000)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)

    def _keep(self, connection: HTTPConnection) -> None:
        self._idle.append((time.monotonic(), connection))
        if len(self._idle) > IDLE_CONNECTIONS:
            self._idle.popleft()[1].close()


def _write(connection: socket.socket, request: bytes, until: float) -> None:
    """Each piece as soon as the time has been looked at, and never after a wait: between the two this process may be
    stopped, and go on when the text has been taken for lost. A socket with a time limit waits within its own `sendall`.
    """
    connection.settimeout(0)
    rest = memoryview(request)
    writable = select.poll()
    writable.register(connection, select.POLLOUT)
    while rest:
        if clock.steady() > until:
            raise NotSent("too late")
        try:
            rest = rest[connection.send(rest) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            writable.poll(1000 * max(0.0, until - clock.steady()))


def _close(idle: deque[tuple[float, HTTPConnection]]) -> None:
    while idle:
        idle.pop()[1].close()


def _drop(connection: HTTPConnection) -> None:
    """Close it, and have the system forget what has not left yet."""
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _has_input(connection: HTTPConnection) -> bool:
    """Between two requests there is nothing to read but the end of the connection."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


def _tls() -> ssl.SSLContext:
    """Trusts what the machine trusts, and certifi's roots, which a slim container may lack."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
