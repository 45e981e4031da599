"""Addresses of web sites as somebody types them into a setting."""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, and where it is found then
USUAL_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")


class BadAddress(ValueError):
    """In a few words, without what may be secret in it."""


def read_origin(typed: str) -> str:
    """ "https://book.example.ca" of what was typed: scheme, host and, where it is not the usual one, port."""
    if not typed.isprintable() or " " in typed:
        raise BadAddress("it holds a space or something that cannot be seen")
    try:
        parts = urlsplit(typed)
        host, port = parts.hostname, parts.port
    except ValueError:  # its words may repeat what was meant as a password
        raise BadAddress("its host or its port cannot be read") from None
    if parts.scheme not in USUAL_PORTS or not host:
        raise BadAddress("it begins with http:// or https://, and a host follows")
    _require_nothing_more(parts, typed)
    name = read_host(f"[{host}]" if "[" in parts.netloc else host)
    return f"{parts.scheme}://{name}" + (f":{port}" if port is not None and port != USUAL_PORTS[parts.scheme] else "")


def read_host(typed: str) -> str:
    """A name or an address in the way a browser sends it: small letters, IPv6 in brackets, no port."""
    bare = typed.strip().lower()
    if "[" in bare or "]" in bare:
        return f"[{_in_brackets(bare)}]"
    try:
        address = ip_address(bare)
    except ValueError:
        pass
    else:
        return f"[{_without_zone(address)}]" if isinstance(address, IPv6Address) else str(address)
    try:
        name = bare.removesuffix(".").encode("idna").decode()
    except UnicodeError:
        name = ""
    if not _NAME.fullmatch(name) or name.rpartition(".")[2].isdecimal():
        raise BadAddress(f"{typed[:80]!r} is no host")
    return name


def _in_brackets(bare: str) -> str:
    try:
        if bare.startswith("[") and bare.endswith("]"):
            return _without_zone(IPv6Address(bare[1:-1]))
    except ValueError:
        pass
    raise BadAddress(f"{bare[:80]!r} is no IPv6 address in brackets")


def _without_zone(address: IPv6Address) -> str:
    """The zone ("%eth0") names a network card of one machine, and no browser sends it."""
    if address.scope_id is not None:
        raise BadAddress("an address with a % in it is found from one machine alone")
    return address.compressed


def origin_of(host: str, port: int) -> str:
    """Where what listens on `host` is found from this machine."""
    return f"http://{read_host(EVERY_ADDRESS.get(host, host))}:{port}"


def _require_nothing_more(parts: SplitResult, typed: str) -> None:
    if parts.username is not None or parts.password is not None:
        raise BadAddress("a name and a password do not belong in it")
    if "[" in parts.netloc and not re.fullmatch(r"\[[^\[\]]*\](:\d+)?", parts.netloc):
        raise BadAddress("an IPv6 address stands in brackets, with nothing but a port behind it")
    if parts.netloc.endswith(":") or parts.port == 0:
        raise BadAddress("a colon needs a port from 1 to 65535 behind it")
    if parts.path.strip("/") or parts.query or parts.fragment or "?" in typed or "#" in typed or "\\" in typed:
        raise BadAddress("nothing follows the host: no path, no ? and no #")
