"""Answers as servers and proxies may write them, in pieces as a network may cut them."""

import socket
import threading

import pytest

from scheduler.gateways.http_message import Answer, read_answer, request_bytes


def read(raw: bytes, piece: int) -> tuple[Answer, bool]:
    ours, theirs = socket.socketpair()

    def write() -> None:
        for at in range(0, len(raw), piece):
            theirs.sendall(raw[at : at + piece])
        theirs.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with ours:
            ours.settimeout(5)
            return read_answer(ours)
    finally:
        writer.join()


@pytest.mark.parametrize("piece", [1, 7, 1000])
@pytest.mark.parametrize(
    ("raw", "text", "stays_open"),
    [
        (b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\nX-A: b: c \r\n\r\n\xc3\xa9!", "é!", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
         "abc0123456789", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "", True),
        (b"HTTP/1.1 200\r\nconnection: Close\r\nCONTENT-LENGTH: 2\r\n\r\nok", "ok", False),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", "to the end", False),
    ],
)  # fmt: skip
def test_every_way_to_end_a_body_is_understood(raw: bytes, text: str, stays_open: bool, piece: int) -> None:
    answer, open_after = read(raw, piece)
    assert (answer.text, open_after) == (text, stays_open)
    assert answer.headers.get("x-a", "b: c") == "b: c"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: three\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff",
    ],
)
def test_what_is_no_whole_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read(raw, 1000)


def test_a_request_cannot_be_split_in_two() -> None:
    for target, headers in (("/a b", {}), ("/a\r\nHost: x", {}), ("/", {"A": "b\r\nC: d"})):
        with pytest.raises(ValueError):
            request_bytes("GET", target, None, headers)
