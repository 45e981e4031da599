"""A load generator light enough to share a core with the database: kept connections, one thread, no parsing beyond need."""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle

Address = tuple[str, int]
CONNECTIONS = 8
PATIENCE = 60  # seconds without any answer


@dataclass(slots=True)
class Load:
    """What came back; `slowest` and `seconds` in seconds."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.statuses.total() / self.seconds

    def require(self, *statuses: int) -> "Load":
        """A benchmark of error pages would be a fast one."""
        if set(self.statuses) - set(statuses) or not self.statuses:
            raise RuntimeError(f"answers {dict(self.statuses)} where {statuses} were due: {self.bodies[:1]}")
        return self


def get(path: str, **headers: str) -> bytes:
    return _request("GET", path, headers, b"")


def post(path: str, body: bytes = b"", **headers: str) -> bytes:
    return _request("POST", path, {"Content-Type": "application/json", **headers}, body)


def for_seconds(address: Address, requests: list[bytes], seconds: float, connections: int = CONNECTIONS) -> Load:
    """The requests over and over, each connection sending its next as soon as it has its answer."""
    return _drive(address, cycle(requests), connections, time.perf_counter() + seconds)


def each_once(address: Address, requests: Iterator[bytes], seconds: float, connections: int = CONNECTIONS) -> Load:
    """As many of the requests as there is time for; the others stay in the iterator."""
    return _drive(address, requests, connections, time.perf_counter() + seconds)


def at_once(address: Address, requests: list[bytes]) -> Load:
    """Every request on a connection of its own, all sent together; `seconds` is when the last answer came."""
    return _drive(address, iter(requests), len(requests), float("inf"), keep_bodies=True)


def one(address: Address, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """A single answer with its headers, names in lower case."""
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(request)
        answer = b""
        while not (length := _whole(answer)):
            part = connection.recv(1 << 20)
            if not part:
                raise RuntimeError(f"the connection ended: {answer!r}")
            answer += part
    head, _, body = answer[:length].partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    return (
        int(head[9:12]),
        {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)},
        body,
    )


def _drive(
    address: Address, requests: Iterator[bytes], connections: int, deadline: float, *, keep_bodies: bool = False
) -> Load:
    load = Load(0)
    with selectors.DefaultSelector() as selector:
        sockets = [_connect(address) for _ in range(connections)]
        began = time.perf_counter()
        for connection in sockets:
            request = next(requests, None)
            if request is not None:
                connection.send(request)
                selector.register(connection, selectors.EVENT_READ, [b"", time.perf_counter()])
        while selector.get_map():
            ready = selector.select(PATIENCE)
            if not ready:
                raise RuntimeError(f"no answer for {PATIENCE} s")
            for key, _events in ready:
                _receive(key, selector, requests, load, deadline, keep_bodies)
        load.seconds = time.perf_counter() - began
        for connection in sockets:
            connection.close()
    return load


def _receive(
    key: selectors.SelectorKey,
    selector: selectors.BaseSelector,
    requests: Iterator[bytes],
    load: Load,
    deadline: float,
    keep_bodies: bool,
) -> None:
    connection, waiting = key.fileobj, key.data
    assert isinstance(connection, socket.socket)
    part = connection.recv(1 << 18)
    if not part:
        raise RuntimeError(f"the server closed a connection after {waiting[0]!r}")
    answer = waiting[0] = waiting[0] + part if waiting[0] else part
    if not _whole(answer):
        return
    now = time.perf_counter()
    status = int(answer[9:12])
    load.statuses[status] += 1
    load.slowest = max(load.slowest, now - waiting[1])
    if keep_bodies or (status >= 400 and not load.bodies):
        load.bodies.append(answer.partition(b"\r\n\r\n")[2])
    request = next(requests, None) if now < deadline else None
    if request is None:
        selector.unregister(connection)
        return
    waiting[0], waiting[1] = b"", now
    connection.send(request)


def _whole(answer: bytes) -> int:
    """Its length once it is all there, else 0."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return 0
    if answer[9:12] in (b"304", b"204"):
        return head + 4
    at = answer.lower().find(b"\r\ncontent-length:", 0, head + 2)
    if at < 0:
        raise RuntimeError(f"an answer without a length: {answer[:200]!r}")
    length = head + 4 + int(answer[at + 17 : answer.index(b"\r\n", at + 2)])
    return length if len(answer) >= length else 0


def _connect(address: Address) -> socket.socket:
    connection = socket.create_connection(address, timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _request(method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body
