"""`python -m provisioning.compose.healthy PORT PATH`: a container's health check of itself.

Exit 0 when this container answers 200. Over TLS where its ingest has a certificate, which is then
not checked: it names the machine, and we ask over loopback.
"""

import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence

_SECONDS = 4.0
_CERTIFICATES = ("SEAMARK_COLLECTOR_TLS_CERT", "SEAMARK_API_TLS_CERT")


def healthy(port: str, path: str, environ: Mapping[str, str]) -> bool:
    """Whether `GET path` on this machine's `port` is answered with 200. Blocks some seconds."""
    scheme = "https" if any(environ.get(name) for name in _CERTIFICATES) else "http"
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(  # noqa: S310  # our own address
            f"{scheme}://127.0.0.1:{port}{path}", timeout=_SECONDS, context=context
        ) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 healthy, 1 not."""
    port, path = arguments
    return 0 if healthy(port, path, os.environ) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
