"""Whether an address is reached from this machine alone."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a listener on `host` is reached over loopback only. Resolves no names."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
