"""The visitor's address as one address: whatever the server or the proxy wrote around it, or instead of it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from scheduler.domain.sign_in.visitor_network import address_in

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class VisitorAddress:
    """Behind ProxyFix, which takes what the trusted proxy wrote into X-Forwarded-For as it stands: some write the port."""

    def __init__(self, inner: "WSGIApplication") -> None:
        self._inner = inner

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = _bare(environ.get("REMOTE_ADDR", ""))
        return self._inner(environ, start_response)


@lru_cache(maxsize=4000)
def _bare(written: str) -> str:
    """Empty when it is no address."""
    return str(address_in(written) or "")
