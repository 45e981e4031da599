"""By what a visitor's address is counted."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

NO_ADDRESS = "no address"
"""What is no address counts together: a header of a visitor's own making must not make many visitors of one."""

IPV6_NETWORKS = ((64, 1.0), (56, 1.5), (48, 2.0))
"""Bits, and how many times the limit of one visitor such a network has. A household or telephone has a /64; some
providers give it a /56, and whoever rents a server has a /48 for nothing."""

_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d{0,5})?|([\d.]+):\d{0,5}")


@dataclass(frozen=True, slots=True)
class Network:
    """`generosity`: how many times the limit of one visitor it has."""

    name: str
    generosity: float = 1.0

    def limit(self, of_one_visitor: int) -> int:
        return int(of_one_visitor * self.generosity)


def address_in(written: str) -> IPv4Address | IPv6Address | None:
    """The address that a server or a proxy wrote, with or without port, brackets, quotation marks and zone; None when
    it is none, as of a socket in the file system."""
    bare = written.strip().strip('"')
    found = _WITH_PORT.fullmatch(bare)
    if found:
        bare = found[1] or found[2] or ""
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address


@lru_cache(maxsize=2000)
def networks_of(written: str) -> tuple[Network, ...]:
    """What a visitor of this address is counted as, narrow to wide: an IPv4 address as it is, also when written as an
    IPv6 one; an IPv6 address as its /64, its /56 and its /48.

    "2001:db8::1" and "2001:db8::2" are one visitor, "::ffff:192.0.2.7" and "192.0.2.7:51234" are 192.0.2.7.
    """
    address = address_in(written)
    if address is None:
        return (Network(NO_ADDRESS),)
    if isinstance(address, IPv4Address):
        return (Network(str(address)),)
    return tuple(Network(_network(address, bits), generosity) for bits, generosity in IPV6_NETWORKS)


def network_of(written: str) -> str:
    """The narrowest, as it is written down."""
    return networks_of(written)[0].name


def _network(address: IPv6Address, bits: int) -> str:
    rest = 128 - bits
    return f"{IPv6Address(int(address) >> rest << rest)}/{bits}"
