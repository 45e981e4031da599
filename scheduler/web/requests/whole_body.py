"""A body is read whole or refused with 413: never cut short without a word.

A body sent in chunks has no length that could be looked at first. Of such a body Werkzeug reads as much as is allowed
and goes on with that: half a form, whose missing fields are then somebody's mistake.
"""

from typing import IO, cast

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import cached_property
from werkzeug.wsgi import LimitedStream


class WholeBodyRequest(Request):
    @cached_property
    def stream(self) -> IO[bytes]:
        limit = self.max_content_length
        sound = super().stream  # looks at the length, where there is one
        if limit is None or "wsgi.input_terminated" not in self.environ:
            return sound
        return cast("IO[bytes]", _UpTo(self.environ["wsgi.input"], limit))


class _UpTo(LimitedStream):
    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__(stream, limit, is_max=True)
        self._server = stream

    def on_exhausted(self) -> None:
        if self._server.read(1):
            raise RequestEntityTooLarge

    def readall(self) -> bytes:
        read = super().readall()
        if self.is_exhausted:
            self.on_exhausted()
        return read
