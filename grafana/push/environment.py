"""The environment that a push runs in: grafana-client and nothing of Seamark's, made at first use.

grafana-client needs urllib3-future, which installs itself over the urllib3 that clickhouse-connect
speaks to the store with; so the two never meet in one environment.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_HERE: Final = Path(__file__).parent
LOCK_FILE: Final = _HERE / "requirements.lock"
# What is installed comes first and the folder of our package last: it may hold another urllib3.
_START: Final = (
    "import runpy, sys; sys.path.append(sys.argv[1]); "
    "runpy.run_module('grafana.push', run_name='__main__')"
)
# The child needs no secret but those it is told, and no setting of this Python.
_WITHHELD: Final = ("SEAMARK_GRAFANA_TOKEN", "SEAMARK_GRAFANA_DATASOURCE_TOKEN", "GRAFANA_TOKEN")


class EnvironmentUnavailable(Exception):
    """The environment could not be made; says why."""


def folder(environ: Mapping[str, str]) -> Path:
    """Where it is: below the user's cache, one for each lock file and Python."""
    cache = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    lock = hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()[:12]
    python = f"{sys.implementation.name}-{sys.version_info.major}.{sys.version_info.minor}"
    return Path(cache) / "seamark" / f"grafana-push-{lock}-{python}"


def prepare(environ: Mapping[str, str], *, say: Callable[[str], None]) -> Path:
    """The environment's Python; made before when it is missing. Blocks for seconds, once."""
    place = folder(environ)
    python = place / "bin" / "python"
    finished = place / "finished"
    if finished.exists() and python.exists():
        return python
    place.parent.mkdir(parents=True, exist_ok=True)
    with _alone(place.with_name(f"{place.name}.lock")):
        if finished.exists() and python.exists():
            return python
        say(f"first use: installing grafana-client into {place} …")
        shutil.rmtree(place, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(place)], "make a virtual environment")
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        hashed = ["--require-hashes", "--only-binary", ":all:", "-r", str(LOCK_FILE)]
        _run([str(python), *install, *hashed], "install what grafana/push/requirements.lock names")
        finished.touch()
    return python


def run(python: Path, order: Mapping[str, Any], environ: Mapping[str, str]) -> int:
    """Push; the order goes over stdin. Returns the push's exit code."""
    command = [str(python), "-I", "-c", _START, str(_HERE.parents[1])]
    inherited = {name: value for name, value in environ.items() if name not in _WITHHELD}
    done = subprocess.run(command, input=json.dumps(order), text=True, env=inherited, check=False)
    return done.returncode


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Two first pushes at once: the second waits for what the first installs."""
    with path.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _run(command: list[str], doing: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": ""}
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise EnvironmentUnavailable(f"could not {doing}: {said}")
