"""How long certificates are good for, and how old the last backup is, told as metrics."""

import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from seamark.service.own_telemetry.sample import OwnGauge, OwnSample

LEFT: Final = "seamark_certificate_seconds_left"
AGE: Final = "seamark_backup_age_seconds"
_END: Final = "-----END CERTIFICATE-----"
_VERSION, _SEQUENCE = 0xA0, 0x30
_UTC_TIME: Final = 0x17


def certificates(paths: Mapping[str, str]) -> Iterator[OwnGauge]:
    """Seconds until each certificate ends, below zero once it has; `paths` by listener.

    Reads the files. One that cannot be read is left out: its listener could not have begun.
    """
    left = OwnGauge(LEFT, "Seconds until the certificate of this listener ends.")
    for listener, path in paths.items():
        try:
            end = not_after(Path(path).read_text())
        except (OSError, ValueError):
            continue
        left.samples.append(OwnSample(LEFT, {"listener": listener}, end - time.time()))
    yield left


def backups(path: str) -> Iterator[OwnGauge]:
    """Seconds since `path` was touched, which a backup does at its end; nothing before that."""
    try:
        touched = Path(path).stat().st_mtime if path else None
    except OSError:
        return
    if touched is not None:
        sample = OwnSample(AGE, {}, time.time() - touched)
        yield OwnGauge(AGE, "Seconds since the last backup that ended well.", samples=[sample])


def not_after(pem: str) -> float:
    """When the first certificate of a PEM file ends, in epoch seconds.

    Reads as much of the DER as leads there (RFC 5280, 4.1). Raises ValueError for anything else.
    """
    first = pem[pem.find("-----BEGIN CERTIFICATE-----") :].partition(_END)[0] + _END
    try:
        _, whole, _ = _element(ssl.PEM_cert_to_DER_cert(first))
        _, fields, _ = _element(whole)
        before = [_SEQUENCE] * 3  # signature's algorithm, issuer, validity
        tag, _, rest = _element(fields)
        if tag == _VERSION:
            _, _, rest = _element(rest)  # the serial number
        value = b""
        for expected in before:
            tag, value, rest = _element(rest)
            if tag != expected:
                raise ValueError("not a certificate")
        _, _, rest = _element(value)
        tag, value, _ = _element(rest)
    except IndexError as error:
        raise ValueError("not a whole certificate") from error
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(value.decode("ascii"), form).replace(tzinfo=UTC).timestamp()


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag and value of the first element, and what follows it."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if len(der) < start + length:
        raise ValueError("not a whole certificate")
    return der[0], der[start : start + length], der[start + length :]
