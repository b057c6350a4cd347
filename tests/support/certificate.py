"""A self-signed certificate for a name, made by openssl."""

import shutil
import subprocess
from pathlib import Path


def self_signed(folder: Path, name: str, *alternatives: str) -> tuple[Path, Path]:
    """The certificate, which is its own CA, and its key; PEM files in `folder`.

    `alternatives` as openssl has them (`IP:127.0.0.1`); without any, `DNS:<name>`.
    """
    cert, key = folder / "cert.pem", folder / "key.pem"
    openssl = shutil.which("openssl")
    assert openssl is not None, "openssl makes the certificate"
    names = ",".join(alternatives or (f"DNS:{name}",))
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2"),
            *("-subj", f"/CN={name}", "-addext", f"subjectAltName={names}"),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key
