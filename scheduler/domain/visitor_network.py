"""By what a visitor's address is counted."""

from ipaddress import IPv6Address, ip_address

HOME_BITS = 64  # what one household or telephone is given, to take its 2**64 addresses from as it likes


def network_of(address: str) -> str:
    """An IPv4 address as it is, also when written as an IPv6 one; of an IPv6 address its /64; what is neither as it is.

    "2001:db8::1" and "2001:db8::2" are one visitor, "::ffff:192.0.2.7" is 192.0.2.7.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:  # none, or a socket in the file system
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    first = int(found) >> HOME_BITS << HOME_BITS
    return f"{IPv6Address(first)}/{HOME_BITS}"
