"""The name in a server's certificate: how it is reached over loopback, which is not in it."""

import ssl
from typing import Any, Final

from seamark.service.settings import SettingsError
from seamark.service.tls import client_context, server_context

_WILDCARD: Final = "seamark"
"""Stands for the * of a name."""


def name_in(cert: str, key: str, *, prefix: str) -> str:
    """The first DNS name of the certificate; "" when it has none.

    From a handshake in memory, which also proves that key, certificate and trust in it go together.
    Reads the files; blocks. Raises SettingsError naming `<prefix>_TLS_CERT`.
    """
    server = server_context(cert, key, prefix=prefix)
    if server is None:
        return ""
    client = client_context(cert)
    client.check_hostname = False
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    try:
        while not (_shaken(asking) & _shaken(answering)):
            pass
    except ssl.SSLError as error:
        raise SettingsError(f"{prefix}_TLS_CERT: {cert}: {error.reason}") from error
    certificate: Any = asking.getpeercert() or {}
    names = certificate.get("subjectAltName", ())
    found = [str(value) for kind, value in names if kind == "DNS"]
    return found[0].replace("*", _WILDCARD) if found else ""


def _shaken(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
