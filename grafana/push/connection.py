"""One Grafana over HTTP, through grafana-client: calls that succeed or raise a `PushError`.

grafana-client is imported here only, and when it is needed: it is not in the environment that the
rest of Seamark lives in, nor that its types are checked in.
"""

import importlib
import re
import time
import warnings
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from grafana.push.failures import (
    PushError,
    explained,
    message,
    no_alerting_yet,
    no_plugin,
    too_old,
)
from grafana.push.objects import DATASOURCE_TYPE

TIMEOUT_S: Final = 30.0
ALERTING_S: Final = 90.0


class GrafanaConnection:
    """`api` is a grafana_client.GrafanaApi."""

    def __init__(self, url: str, token: str, *, verify: bool | str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PushError(f"--url {url}: not an address like https://grafana.example.com")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        prefix = parts.path.strip("/")
        self.url = url.rstrip("/")
        self._niquests: Any = importlib.import_module("niquests")
        self._client: Any = importlib.import_module("grafana_client.client")
        if verify is False:
            warnings.filterwarnings("ignore", message="Unverified HTTPS request")
        self.api: Any = importlib.import_module("grafana_client").GrafanaApi(
            auth=token,
            protocol=parts.scheme,
            host=host,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            verify=verify,
            timeout=TIMEOUT_S,
            user_agent="seamark-grafana-push",
        )

    def call(self, doing: str, ask: Callable[[], Any], *, absent: Any = None) -> Any:
        """What `ask` returns; `absent` for a 404. `doing` completes "could not …"."""
        try:
            return ask()
        except self._client.GrafanaException as error:
            if error.status_code == 404:
                return absent
            raise PushError(
                explained(error.status_code, error.response or error.message, doing)
            ) from None
        except (self._niquests.exceptions.RequestException, OSError) as error:
            raise PushError(self._unreachable(error)) from None

    def wait_for_alerting(self, say: Callable[[str], None]) -> None:
        """Wait until Grafana has made the alerting configuration of this organization.

        It makes one for a new organization within a minute (`alertmanager_config_poll_interval`),
        and until then answers 500 to everything about contact points.
        """
        until = time.monotonic() + ALERTING_S
        told = False
        while True:
            try:
                self.api.alertingprovisioning.get_contactpoints()
            except self._client.GrafanaException as error:
                answer = error.response or error.message
                if error.status_code != 500 or not no_alerting_yet(answer):
                    return  # the next reading of them reports it
                if time.monotonic() > until:
                    raise PushError(
                        "this organization has no alerting configuration, and Grafana has not made "
                        f"one within {ALERTING_S:g} s: {message(answer)}"
                    ) from None
            except (self._niquests.exceptions.RequestException, OSError):
                return
            else:
                return
            if not told:
                say("waiting for Grafana to set up alerting in this organization")
                told = True
            time.sleep(1.0)

    def get(self, path: str, doing: str) -> Any:
        """A GET below /api that grafana-client has no method for; None for a 404."""
        return self.call(doing, lambda: self.api.client.GET(path))

    def check(self) -> str:
        """Grafana's version, once it is known to be one we can push to."""
        client = self.api.client
        try:
            answer = client.s.get(
                f"{client.url}/health",
                verify=client.verify,
                timeout=TIMEOUT_S,
                allow_redirects=False,
            )
        except (self._niquests.exceptions.RequestException, OSError) as error:
            raise PushError(self._unreachable(error)) from None
        if 300 <= answer.status_code < 400:
            # A followed redirect turns a POST into a GET: nothing would be saved.
            where = str(answer.headers.get("Location", "elsewhere")).removesuffix("/api/health")
            raise PushError(f"{self.url} sends us to {where}: say that address as --url")
        try:
            health = answer.json()
        except ValueError:
            health = None
        if not isinstance(health, dict) or "database" not in health:
            raise PushError(
                f"{self.url} does not answer as a Grafana does "
                f"({answer.status_code}: {message(answer.text)})"
            )
        version = str(health.get("version", ""))
        if not version:
            # auth.anonymous.hide_version: only those who are signed in are told.
            told = self.get("/frontend/settings", "ask for the version")
            version = str((told or {}).get("buildInfo", {}).get("version", ""))
        if old := too_old(version):
            raise PushError(old)
        if self.get(f"/plugins/{DATASOURCE_TYPE}/settings", "ask for the plugin") is None:
            raise PushError(no_plugin(DATASOURCE_TYPE))
        return version

    def _unreachable(self, error: Exception) -> str:
        text = " ".join(str(error).split())[:300]
        if isinstance(error, self._niquests.exceptions.SSLError) or "certificate" in text.lower():
            return (
                f"{self.url}: its certificate is not trusted ({text}). Say --ca FILE with the "
                "certificate of its authority, or --insecure to go without"
            )
        # The library's names for its own parts say nothing to a person: the last clause does.
        inner = re.search(r"\[Errno [^]]+\][^')]*|Failed to resolve [^()]*|timed out", text)
        return f"{self.url} cannot be reached: {inner[0].strip() if inner else text}"
