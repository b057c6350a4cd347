"""The address of a sender, when there may be proxies in front of the collector."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MOST_HOPS: Final = 20
_PREFIX_BITS: Final = {4: 24, 6: 48}


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks or addresses, comma-separated. Raises ValueError naming the wrong one."""
    return tuple(
        ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip()
    )


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The client's address in its shortest form: `peer`, unless that is a trusted proxy.

    `forwarded_for` is the `X-Forwarded-For` header. It is read from the right, past trusted
    proxies; what stands left of the first other address was written by the client and is not read.
    """
    address = _address(peer)
    if address is None:
        return peer
    for hop in reversed(forwarded_for.split(",")[-_MOST_HOPS:]):
        if not hop or not any(address in network for network in trusted):
            break
        forwarded = _address(hop)
        if forwarded is None:
            break
        address = forwarded
    return address.compressed


def in_networks(peer: str, networks: Sequence[Network]) -> bool:
    """Whether the address of a peer is in one of them."""
    address = _address(peer) if networks else None
    return address is not None and any(address in network for network in networks)


def source_of(address: str) -> str:
    """What counts as one sender: an IPv4 address, or the /64 network of an IPv6 one.

    `address` is in its shortest form, as `client_address` returns it.
    """
    if ":" not in address:
        return address
    return _network_of(address)


def network_prefix(address: str) -> str:
    """The network of an address, for what must not name one: /24 of IPv4, /48 of IPv6.

    "unknown" for what is no address.
    """
    found = _address(address)
    if found is None:
        return "unknown"
    return str(ipaddress.ip_network((found, _PREFIX_BITS[found.version]), strict=False))


@lru_cache(maxsize=4096)
def _network_of(address: str) -> str:
    try:
        return ipaddress.ip_network((address, 64), strict=False).network_address.compressed
    except ValueError:
        return address


def _address(text: str) -> Address | None:
    text = text.strip().partition("%")[0]
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:  # an IPv4 address with a port
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
