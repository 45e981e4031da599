"""`flask serve`: everything in one process, from an empty folder to a clinic that takes bookings."""

import logging
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import create_server

from scheduler.serving import assets
from scheduler.serving.large_bodies import HearingOutParser
from scheduler.serving.sound_database import CannotStart

THREADS = 8
DRAIN_SECONDS = 20
CONNECTIONS = 1000
"""Open at once; a browser opens six and keeps them. Waitress by itself takes a hundred, and then nobody else."""
IDLE_SECONDS = 20
FILES_BESIDE = 150  # of the database, the log and so on


def require_assets(app: Flask) -> None:
    lost = assets.missing(app)
    if lost:
        raise CannotStart(f"{', '.join(lost)} not found in scheduler/static: run `make setup`.")


def listen(host: str, port: int) -> socket.socket:
    """The port, taken before anything else is done: a second start changes nothing in the first one's database."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=both)
    except OSError as error:
        raise CannotStart(
            f"{host}:{port} cannot be listened on ({error.strerror}). Stop what is there, or choose another PORT."
        ) from None


def serve(app: Flask, listening: socket.socket, *, stop_jobs: Callable[[], object], ready: Callable[[], None]) -> None:
    """Answer until SIGTERM or Ctrl-C, then finish what is in flight, at most `DRAIN_SECONDS`; a second signal ends
    at once."""
    server = create_server(
        app,
        sockets=[listening],
        threads=THREADS,
        connection_limit=_connections(),
        channel_timeout=IDLE_SECONDS,
        cleanup_interval=5,
        ident=None,
        # What a proxy says must reach the application, which knows how many to believe (TRUSTED_PROXIES).
        clear_untrusted_proxy_headers=False,
        # A header of several requests' length is refused; bodies are bounded by MAX_CONTENT_LENGTH.
        max_request_header_size=32_768,
        max_request_body_size=2 * app.config["MAX_CONTENT_LENGTH"],
    )
    server.channel_class = _channels_of(app)
    # Said of every request that waits for a thread, the first ones among them.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    leaving = threading.Event()

    def leave(_signal: int, _frame: object) -> None:
        if leaving.is_set():
            raise SystemExit(1)
        leaving.set()
        server.pull_trigger()  # wakes the loop

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, leave)  # waitress by itself would be killed together with its requests
    ready()
    try:
        while not leaving.is_set():
            server.asyncore.loop(timeout=5, map=server._map, use_poll=True, count=1)
        _drain(server)
    finally:
        stop_jobs()
        server.task_dispatcher.shutdown(timeout=1)


def _connections() -> int:
    """As many as the files that this process may open allow; it asks for more where it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + FILES_BESIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(50, min(CONNECTIONS, soft - FILES_BESIDE))


def _channels_of(app: Flask) -> type:
    class Parser(HearingOutParser):
        limit = partial(app.extensions["body_limit"], app)

    class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
        parser_class = Parser

    return Channel


def _drain(server: Any) -> None:
    """Take no new connections, and go on until every request that arrived is answered and sent."""
    server.del_channel()
    server.socket.close()
    until = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < until and any(_busy(channel) for channel in list(server.active_channels.values())):
        server.asyncore.loop(timeout=0.05, map=server._map, use_poll=True, count=1)


def _busy(channel: Any) -> bool:
    return bool(channel.requests) or channel.total_outbufs_len > 0
