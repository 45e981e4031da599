"""No test may reach outside this machine: what leaves could be an SMS, or a patient's data."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest


class OutsideNetwork(OSError):
    """A test reached for an address outside; an OSError, as a machine without network would answer."""


def refuse_outside(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """From now on refuse outside addresses; answers the list that each one refused is added to.

    The list matters: code that survives an outage by design would swallow the exception.
    """
    refused: list[str] = []

    def require_loopback(host: object) -> None:
        if not _is_loopback(host):
            refused.append(str(host))
            raise OutsideNetwork(f"a test reached for {host}; only loopback addresses are allowed")

    def guard_connect(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                require_loopback(address[0])
            return original(self, address)

        return connect

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        # Numbers ask nobody; if they are not loopback, connecting refuses them.
        if not _is_number(host):
            require_loopback(host)
        return look_up(host, *args, **kwargs)

    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket.socket, "connect", guard_connect(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guard_connect(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return refused


def _is_number(host: object) -> bool:
    try:
        ipaddress.ip_address(_text(host))
    except ValueError:
        return False
    return True


def _is_loopback(host: object) -> bool:
    if _is_number(host):
        return ipaddress.ip_address(_text(host)).is_loopback
    return host is None or _text(host) in ("", "localhost") or _text(host).endswith(".localhost")


def _text(host: object) -> str:
    return host.decode("idna") if isinstance(host, bytes) else str(host)
