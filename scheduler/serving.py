"""`flask serve`: everything in one process, from an empty folder to a clinic that takes bookings."""

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import create_server

from scheduler import assets
from scheduler.database_check import CannotStart
from scheduler.large_bodies import HearingOutParser

THREADS = 8
DRAIN_SECONDS = 20


def require_assets(app: Flask) -> None:
    lost = assets.missing(app)
    if lost:
        raise CannotStart(f"{', '.join(lost)} not found in scheduler/static: run `make setup`.")


def listen(host: str, port: int) -> socket.socket:
    """The port, taken before anything else is done: a second start changes nothing in the first one's database."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024)
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
            server.asyncore.loop(timeout=30, map=server._map, use_poll=True, count=1)
        _drain(server)
    finally:
        stop_jobs()
        server.task_dispatcher.shutdown(timeout=1)


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
