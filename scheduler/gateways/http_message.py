"""HTTP/1.1 requests and answers on a socket, without what http.client does beside: it reads headers as those of a letter,
which takes longer than the rest of a call, and writes them in a packet before the body's.
"""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_HEAD = 65_536
LONGEST_BODY = 16_000_000
LONGEST_SECONDS = 30.0  # for a whole answer; the socket's own limit is for each part of it


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    headers: Mapping[str, str]  # names in lower case


def request_bytes(method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    lines.append("Accept-Encoding: identity")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, "", ""])
    if head.count("\n") != len(lines) + 1 or len(lines[0].split(" ")) != 3:
        raise ValueError("a line break or a space where none may be")
    return head.encode("latin-1") + (body or b"")


def read_answer(connection: socket.socket) -> tuple[Answer, bool]:
    """The answer, and whether the connection can serve for another. ValueError for what is none, or ends too soon."""
    reader = _Reader(connection)
    status, version, headers = reader.head()
    while 100 <= status < 200:
        status, version, headers = reader.head()
    stays_open = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"
    if status in (204, 304):
        body = b""
    elif "chunked" in headers.get("transfer-encoding", "").lower():
        body = reader.chunks()
    elif "content-length" in headers:
        body = reader.take(_length(headers["content-length"], 10))
    else:
        body, stays_open = reader.rest(), False
    return Answer(status, body.decode(), headers), stays_open


class _Reader:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self._until_seconds = time.monotonic() + LONGEST_SECONDS

    def head(self) -> tuple[int, str, dict[str, str]]:
        first, *lines = self._until(b"\r\n\r\n", LONGEST_HEAD).decode("latin-1").split("\r\n")
        version, status = first.split(" ")[:2]
        if not version.startswith("HTTP/1."):
            raise ValueError("not HTTP")
        return (
            int(status),
            version,
            {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)},
        )

    def chunks(self) -> bytes:
        body = b""
        while length := _length(self._until(b"\r\n", LONGEST_HEAD).partition(b";")[0].decode("ascii"), 16):
            body += self.take(length)
            if len(body) > LONGEST_BODY or self.take(2) != b"\r\n":
                raise ValueError("a chunk without an end")
        while self._until(b"\r\n", LONGEST_HEAD):
            pass  # headers after the last chunk
        return body

    def take(self, length: int) -> bytes:
        while len(self._received) < length:
            self._receive()
        taken, self._received = self._received[:length], self._received[length:]
        return taken

    def rest(self) -> bytes:
        try:
            while len(self._received) < LONGEST_BODY:
                self._receive()
        except EndedTooSoon:
            return self._received
        raise ValueError("an answer without an end")

    def _until(self, end: bytes, longest: int) -> bytes:
        while (at := self._received.find(end)) < 0:
            if len(self._received) > longest:
                raise ValueError("a line without an end")
            self._receive()
        taken, self._received = self._received[:at], self._received[at + len(end) :]
        return taken

    def _receive(self) -> None:
        if time.monotonic() > self._until_seconds:
            raise TimeoutError
        part = self._connection.recv(65_536)
        if not part:
            raise EndedTooSoon
        self._received += part


class EndedTooSoon(ValueError):
    """The server closed the connection."""


def _length(text: str, base: int) -> int:
    length = int(text.strip(), base)
    if not 0 <= length <= LONGEST_BODY:
        raise ValueError("a length that cannot be")
    return length
