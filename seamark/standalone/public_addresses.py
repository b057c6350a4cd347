"""Where people and their apps reach the public listeners: by TLS where there is a certificate.

Its name takes the place of the host then, because a client compares the two. The parts of the
stack itself use loopback (`parts.wiring`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from seamark.service.tls_name import name_in
from seamark.standalone.ports import Ports, reachable


@dataclass(frozen=True, slots=True)
class PublicAddresses:
    """URLs, and `host:port` of gRPC."""

    ingest: str
    ingest_grpc: str
    api: str
    api_grpc: str

    @property
    def grpc_url(self) -> str:
        """That of OTLP over gRPC, as OpenTelemetry's variables take it."""
        return f"{self.ingest.partition('://')[0]}://{self.ingest_grpc}"


def public_addresses(host: str, ports: Ports, environ: Mapping[str, str]) -> PublicAddresses:
    """Reads the certificates that `environ` names. Raises SettingsError where one is wrong."""
    ingest_scheme, ingest_host = _of("COLLECTOR", host, environ)
    api_scheme, api_host = _of("API", host, environ)
    return PublicAddresses(
        ingest=f"{ingest_scheme}://{ingest_host}:{ports.collector_http}",
        ingest_grpc=f"{ingest_host}:{ports.collector_grpc}",
        api=f"{api_scheme}://{api_host}:{ports.api}",
        api_grpc=f"{api_host}:{ports.api_grpc}",
    )


def _of(part: str, host: str, environ: Mapping[str, str]) -> tuple[str, str]:
    prefix = f"SEAMARK_{part}"
    cert, key = (environ.get(f"{prefix}_TLS_{what}", "") for what in ("CERT", "KEY"))
    if not cert:
        return "http", reachable(host)
    return "https", name_in(cert, key, prefix=prefix) or reachable(host)
