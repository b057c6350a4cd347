"""`seamark demo` against a stack, until it is done."""

import os
import subprocess
import sys

from tests.system.stack import Stack


def play(stack: Stack, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Send what the demo sends, as fast as it can be sent."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SEAMARK_")} | {
        "SEAMARK_DEMO_INGEST_URL": stack.urls.ingest,
        "SEAMARK_DEMO_GRPC_URL": stack.urls.grpc,
        "SEAMARK_DEMO_API_URL": stack.urls.api,
    }
    command = [sys.executable, "-P", "-m", "seamark", "demo", "--rate=0"]
    ran = subprocess.run(
        [*command, f"--credentials={stack.data / 'credentials.json'}", *arguments],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    return ran
