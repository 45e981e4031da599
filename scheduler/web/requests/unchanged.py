"""304: what the asker has still stands. It is the answer given most often, so it takes the short way out."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from flask import Response, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


BY_A_PROXY = re.compile(r"(--?|;)(gzip|br|deflate|zstd)$")  # Apache's mod_deflate and mod_brotli, Jetty


def is_known(etag: str) -> bool:
    """Whether the asker names this ETag. A proxy that compresses makes it a weak one, or writes at its end how."""
    asked = request.environ.get("HTTP_IF_NONE_MATCH")
    if asked is None:
        return False
    if asked == f'"{etag}"':
        return True
    return request.if_none_match.star_tag or etag in known_tags()


def known_tags() -> set[str]:
    """The ETags that the asker names, as we wrote them."""
    return {as_written(tag) for tag in request.if_none_match.as_set(include_weak=True) if tag}


def as_written(tag: str) -> str:
    """An ETag without what a proxy put behind it."""
    return BY_A_PROXY.sub("", tag)


def is_as_old(changed_at: datetime) -> bool:
    """Whether the asker has what was last changed then. Who names an ETag is answered by that alone."""
    if "HTTP_IF_NONE_MATCH" in request.environ or request.if_modified_since is None:
        return False
    return changed_at.replace(microsecond=0) <= request.if_modified_since


class Unchanged(Response):
    """Has neither body nor anything for werkzeug to work out about one, which would cost a third of the request."""

    default_mimetype = None

    def __init__(self, etag: str, headers: Mapping[str, str]) -> None:
        super().__init__(status=304)
        self._given = [*headers.items(), ("ETag", f'"{etag}"')]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        start_response("304 NOT MODIFIED", [*self._given, *self.headers])
        return ()
