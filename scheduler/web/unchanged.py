"""304: what the asker has still stands. It is the answer given most often, so it takes the short way out."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flask import Response, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def is_known(etag: str) -> bool:
    """Whether the asker names this ETag. A proxy that compresses makes it a weak one."""
    asked = request.environ.get("HTTP_IF_NONE_MATCH")
    if asked is None:
        return False
    return asked == f'"{etag}"' or request.if_none_match.contains_weak(etag)


class Unchanged(Response):
    """Has neither body nor anything for werkzeug to work out about one, which would cost a third of the request."""

    default_mimetype = None

    def __init__(self, etag: str, headers: Mapping[str, str]) -> None:
        super().__init__(status=304)
        self._given = [*headers.items(), ("ETag", f'"{etag}"')]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("304 NOT MODIFIED", [*self._given, *self.headers])
        return ()
