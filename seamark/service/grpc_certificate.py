"""The certificate of a gRPC server, read anew for a handshake when its files have changed."""

import logging
from pathlib import Path

import grpc

from seamark.service.tls_renewal import FileState, state_of

logger = logging.getLogger(__name__)


def server_credentials(cert: str, key: str) -> grpc.ServerCredentials:
    """Blocks. Raises OSError when a file cannot be read. gRPC asks on threads of its own."""
    known = state_of(cert, key)
    first = _read(cert, key)

    def changed() -> "grpc.ServerCertificateConfiguration | None":
        nonlocal known
        try:
            found: FileState = state_of(cert, key)
            if found == known:
                return None
            made = _read(cert, key)
        except OSError as error:  # the old one is kept
            logger.warning("the new certificate cannot be read", extra={"error": str(error)})
            return None
        known = found
        return made

    return grpc.dynamic_ssl_server_credentials(first, changed)


def _read(cert: str, key: str) -> "grpc.ServerCertificateConfiguration":
    pair = (Path(key).read_bytes(), Path(cert).read_bytes())
    return grpc.ssl_server_certificate_configuration([pair])
