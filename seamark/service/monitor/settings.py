"""SEAMARK_MONITOR_*."""

import ssl
from dataclasses import dataclass
from typing import Final

from seamark.service.loopback import is_loopback
from seamark.service.settings import SettingsError, setting
from seamark.service.startup import Startup
from seamark.service.tls import server_context

PREFIX: Final = "SEAMARK_MONITOR"


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """SEAMARK_MONITOR_*: the same for every process; each has a port of its own."""

    host: str = setting(
        "127.0.0.1",
        text="Address of the monitor ports: health, readiness, own metrics. One that is not "
        "loopback needs `token`.",
    )
    token: str = setting(
        "",
        text="Sent as `Authorization: Bearer` by who reads own metrics; empty: not asked for.",
        secret=True,
    )
    tls_cert: str = setting("", text="PEM certificate chain of the monitor ports; empty: no TLS.")
    tls_key: str = setting("", text="PEM private key of `tls_cert`.")

    def check(self) -> ssl.SSLContext | None:
        """The TLS context, None without TLS. Blocks. Raises SettingsError."""
        if not self.token and not is_loopback(self.host):
            raise SettingsError(
                f"{PREFIX}_TOKEN is needed for {PREFIX}_HOST {self.host!r}, which is not a "
                "loopback address: own metrics are not for everybody"
            )
        return server_context(self.tls_cert, self.tls_key, prefix=PREFIX)


ON_LOOPBACK: Final = MonitorSettings()


def load_monitor(startup: Startup) -> MonitorSettings:
    """The settings of the monitor port, checked; what is wrong is in `startup.problems`."""
    settings = startup.load(MonitorSettings, prefix=PREFIX)
    startup.check(settings.check)
    return settings
