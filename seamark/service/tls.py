"""TLS as every server and client of Seamark uses it: 1.2 at least, and read at boot."""

import ssl
from pathlib import Path

from seamark.service.settings import SettingsError
from seamark.service.tls_renewal import RenewedContext


def server_context(cert: str, key: str, *, prefix: str) -> ssl.SSLContext | None:
    """The context of a server with this certificate chain and key; None when both are empty.

    When the files are replaced, new connections get what they hold then (`tls_renewal.py`). Reads
    the files; blocks. Raises SettingsError naming `<prefix>_TLS_CERT` and `_TLS_KEY`.
    """
    names = (f"{prefix}_TLS_CERT", f"{prefix}_TLS_KEY")
    if not cert and not key:
        return None
    if not cert or not key:
        raise SettingsError(f"{names[0]} and {names[1]}: give both or neither")
    missing = [
        f"{name}: there is no file {path}"
        for name, path in zip(names, (cert, key), strict=True)
        if not Path(path).is_file()
    ]
    if missing:
        raise SettingsError(*missing)

    def made() -> ssl.SSLContext:
        return _loaded(cert, key, names[0])

    context = made()
    context.sni_callback = RenewedContext(context, (cert, key), made)
    return context


def _loaded(cert: str, key: str, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"{name}: {error}") from error
    return context


def client_context(ca: str) -> ssl.SSLContext:
    """The context of a client that trusts the certificates in this file; "": the system's.

    The file may hold the server's own certificate, whoever signed it. Blocks. Raises OSError.
    """
    context = ssl.create_default_context(cafile=ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


def check_ca(path: str, *, name: str) -> None:
    """Read a CA file; "" is none. Blocks. Raises SettingsError naming the setting."""
    if not path:
        return
    try:
        client_context(path)
    except (ssl.SSLError, OSError) as error:
        raise SettingsError(f"{name}: {path}: {error}") from error
