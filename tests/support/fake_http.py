"""A small HTTP/1.1 server in a thread, which can misbehave: late, cut short, or not there at all.

One asyncio loop serves every connection, so that a hundred slow ones cost nothing but their sockets.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return _single(urlsplit(self.target).query)

    @property
    def form(self) -> dict[str, str]:
        return _single(self.body.decode())


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after_seconds: float = 0
    send_only: int | None = None  # bytes sent before the connection is dropped; 0 drops it unanswered


class HttpServer:
    """Starts on construction. `handle` runs in the server's thread and must not wait."""

    def __init__(self, handle: Callable[[Request], Reply], *, port: int = 0) -> None:
        self._handle = handle
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake-http", daemon=True)
        self._thread.start()
        self._connections: set[_Connection] = set()
        self._listener: asyncio.Server | None = None
        self.port = port
        self.start_listening()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_listening(self) -> None:
        self._do(self._listen())

    def stop_listening(self) -> None:
        """Refuse new connections and drop those there are; `start_listening` takes the same port again."""
        self._do(self._leave())

    def close(self) -> None:
        self.stop_listening()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await self._loop.create_server(
                lambda: _Connection(self._handle, self._connections, self._loop),
                "127.0.0.1",
                self.port,
                backlog=512,
            )
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _leave(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        quiet = 0
        while quiet < 5:  # turns of the loop: one may be being accepted at this moment, and takes some of them
            for connection in list(self._connections):
                connection.drop()
            await asyncio.sleep(0)
            quiet = 0 if self._connections or len(asyncio.all_tasks()) > 1 else quiet + 1

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=5)


class _Connection(asyncio.Protocol):
    """Answers the requests of one connection one after the other."""

    def __init__(
        self,
        handle: Callable[[Request], Reply],
        connections: set["_Connection"],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._handle, self._connections, self._loop = handle, connections, loop
        self._received = bytearray()
        self._answering = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # TCP gives a Transport
        self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)

    def drop(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._answer_next()

    def _answer_next(self) -> None:
        if self._answering or (request := _take_request(self._received)) is None:
            return
        self._answering = True
        reply = self._handle(request)
        if reply.after_seconds:
            self._loop.call_later(reply.after_seconds, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if self._transport.is_closing():
            return
        if reply.send_only is None:
            self._transport.write(_serialised(reply))
        else:
            self._transport.write(_serialised(reply)[: reply.send_only])
            self._transport.close()
        self._answering = False
        self._answer_next()


def _take_request(received: bytearray) -> Request | None:
    """The first whole request, taken off the front; None until it has all come."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    first, *lines = received[:head_end].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body_end = head_end + 4 + int(headers.get("content-length", "0"))
    if len(received) < body_end:
        return None
    method, target, _ = first.split(" ")
    request = Request(method, target, headers, bytes(received[head_end + 4 : body_end]))
    del received[:body_end]
    return request


def _serialised(reply: Reply) -> bytes:
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + reply.body


def _single(encoded: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(encoded, keep_blank_values=True).items()}
