"""What waitress makes of a body that is too large: the application answers it, in its own words and with status 413.

Waitress would answer by itself, in plain text, and cut the client off in the middle of its sending, so that most
clients never see the answer.
"""

from collections.abc import Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any, ClassVar

import structlog
from waitress.parser import HTTPRequestParser
from waitress.utilities import RequestEntityTooLarge

MORE = 100_000  # bytes around a file that is as large as allowed
HEARD_OUT = 200_000_000  # bytes; whoever sends more than this is cut off after all

log = structlog.get_logger("serving")


class HearingOutParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Reads a body that is too large to its end and keeps nothing of it; its length is what the application is told."""

    error: Any = None
    adj: Any
    limit: ClassVar[Callable[[dict[str, Any]], int | None]]
    """Asked before a large body is read: how large may it be, of whoever has sent these headers? None: as any other."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.content_length >= self.adj.max_request_body_size or self.chunked:
            more = self._limit()
            if more is not None:
                self.adj = SimpleNamespace(max_request_body_size=more + MORE)

    def _limit(self) -> int | None:
        headers = {f"HTTP_{name}": self.headers[name] for name in ("COOKIE", "HOST") if name in self.headers}
        where = {"SCRIPT_NAME": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "wsgi.url_scheme": "http"}
        request = {"REQUEST_METHOD": self.command, "PATH_INFO": self.path, "wsgi.input": BytesIO()}
        try:
            return type(self).limit({**headers, **where, **request})
        except Exception:  # no answer is a no; the server goes on
            log.exception("nobody could say how large a body may be")
            return None

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if isinstance(self.error, RequestEntityTooLarge) and self.body_rcv is not None:
            self.body_rcv.buf.close()
            self.body_rcv.buf = _Nowhere()
            length = max(self.content_length, self.body_bytes_received)
            self.headers["CONTENT_LENGTH"] = str(length)
            self.error = self.body_rcv.error  # what is no HTTP stays so
            self.completed = bool(self.body_rcv.completed or self.error)
            if length > HEARD_OUT:
                self.headers["CONNECTION"] = "close"
                self.completed = True
        return consumed


class _Nowhere:
    """A buffer that is always empty."""

    def __len__(self) -> int:
        return 0

    def append(self, data: bytes) -> None:
        pass

    def getfile(self) -> BytesIO:
        return BytesIO()

    def close(self) -> None:
        pass
