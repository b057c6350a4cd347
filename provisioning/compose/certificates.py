"""An authority of the stack's own, and a certificate for each who listens, by the openssl command.

The authority's key never leaves its folder. A certificate is made anew when it is missing, ends
within `RENEW_DAYS`, or does not come from this authority; so every `up` renews what is due.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

AUTHORITY_DAYS: Final = 3650
DAYS: Final = 397
RENEW_DAYS: Final = 60
_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_DAY_SECONDS: Final = 86400


def authority(folder: Path) -> Path:
    """The certificate of the authority in `folder` (`ca.pem`), made if it is not there.

    Raises OSError or subprocess.CalledProcessError when openssl cannot do it. Blocks.
    """
    certificate, key = folder / "ca.pem", folder / "ca-key.pem"
    if not (key.exists() and certificate.exists()):
        _openssl(
            *("req", "-x509", *_KEY, "-keyout", str(key), "-out", str(certificate)),
            *("-days", str(AUTHORITY_DAYS), "-subj", "/CN=Seamark compose"),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )
    return certificate


def certify(name: str, *, folder: Path, by: Path) -> bool:
    """See that `folder` has `cert.pem` and `key.pem` for the host `name`; whether they were made.

    `by` is the authority's folder. The certificate is good for `localhost` and 127.0.0.1 too, for
    health checks. Raises as `authority` does.
    """
    certificate, key = folder / "cert.pem", folder / "key.pem"
    if key.exists() and _good(certificate, by / "ca.pem"):
        return False
    with tempfile.TemporaryDirectory() as scratch:
        request, extensions = Path(scratch) / "request.pem", Path(scratch) / "extensions"
        extensions.write_text(
            f"subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1\n"
            "basicConstraints=critical,CA:FALSE\n"
            "keyUsage=critical,digitalSignature\n"
            "extendedKeyUsage=serverAuth\n"
        )
        _openssl(
            *("req", "-new", *_KEY, "-keyout", str(key), "-out", str(request)),
            *("-subj", f"/CN={name}"),
        )
        _openssl(
            *("x509", "-req", "-in", str(request), "-out", str(certificate)),
            *("-CA", str(by / "ca.pem"), "-CAkey", str(by / "ca-key.pem")),
            *("-CAserial", str(Path(scratch) / "serial"), "-CAcreateserial"),
            *("-days", str(DAYS), "-extfile", str(extensions)),
        )
    return True


def _good(certificate: Path, authority_certificate: Path) -> bool:
    if not certificate.exists():
        return False
    seconds = str(RENEW_DAYS * _DAY_SECONDS)
    questions: Sequence[tuple[str, ...]] = (
        ("x509", "-checkend", seconds, "-noout", "-in", str(certificate)),
        ("verify", "-CAfile", str(authority_certificate), str(certificate)),
    )
    return all(_run(*question).returncode == 0 for question in questions)


def _openssl(*arguments: str) -> None:
    _run(*arguments).check_returncode()


def _run(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(("openssl", *arguments), check=False, capture_output=True)  # noqa: S607  # the image's own
