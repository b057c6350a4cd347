"""What documents tell a reader to type, run as it stands there, against one stack."""

import re
import subprocess
from pathlib import Path

from tests.system.stack import Stack

SHELL = ("/bin/bash", "-euo", "pipefail", "-c")


def for_stack(text: str, stack: Stack) -> str:
    """The text with the addresses and the credentials of this stack instead of the default ones."""
    text = text.replace("http://127.0.0.1:4318", stack.urls.ingest)
    text = text.replace("http://127.0.0.1:4320", stack.urls.api)
    return text.replace(".seamark/credentials.json", str(stack.data / "credentials.json"))


def commands(page: Path, stack: Stack) -> dict[str, str]:
    """The page's named commands for this stack, each behind the page's `setup`."""
    text = for_stack(page.read_text(), stack)
    found = dict(re.findall(r"^```bash (\S+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
    setup = found.pop("setup")
    return {name: setup + command for name, command in found.items()}


def shell(script: str, *, folder: Path | None = None, seconds: float = 60) -> str:
    """Run a script in bash that stops at the first failure; returns what it prints."""
    done = subprocess.run(
        [*SHELL, script],
        capture_output=True,
        cwd=folder,
        check=False,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout
