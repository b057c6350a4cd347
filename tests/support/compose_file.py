"""`compose.yaml` and `Dockerfile` as the tests read them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
CONFIGURATIONS: Final = ROOT / "provisioning" / "compose"
IMAGE: Final = "seamark/seamark:0.1.0"
MOUNTED: Final = "/run/seamark"
_VARIABLE: Final = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")


def compose(chosen: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file with its variables filled: those `chosen`, and the defaults of the others."""
    text = (ROOT / "compose.yaml").read_text()
    values = chosen or {}
    # as Compose has it: `:-` takes the default for an empty variable too
    filled = _VARIABLE.sub(lambda match: values.get(match[1]) or match[2], text)
    assert "$" not in filled.replace("$$", ""), "a variable without a default"
    document: dict[str, Any] = yaml.safe_load(filled)
    return document


def variables() -> set[str]:
    """Every variable that a user can set."""
    return {match[1] for match in _VARIABLE.finditer((ROOT / "compose.yaml").read_text())}


@dataclass(frozen=True)
class Service:
    """One service of the file."""

    name: str
    said: Mapping[str, Any]

    @property
    def ours(self) -> bool:
        """Whether it runs a process of this repository's."""
        return bool(self.said["image"] == IMAGE)

    @property
    def environment(self) -> dict[str, str]:
        """As the process sees it."""
        return {name: _text(value) for name, value in self.said.get("environment", {}).items()}

    @property
    def command(self) -> list[str]:
        return [*self.said.get("entrypoint", []), *self.said.get("command", [])]

    @property
    def check(self) -> list[str]:
        """The health check's command, or nothing."""
        return list(self.said.get("healthcheck", {}).get("test", []))

    @property
    def mounts(self) -> dict[str, str]:
        """Sources by target."""
        return {part[1]: part[0] for part in self._volumes}

    @property
    def read_only_mounts(self) -> set[str]:
        """Targets that this service cannot write to."""
        return {part[1] for part in self._volumes if part[2:] == ["ro"]}

    @property
    def _volumes(self) -> list[list[str]]:
        return [str(volume).split(":") for volume in self.said.get("volumes", [])]

    @property
    def waits_for(self) -> dict[str, str]:
        """Conditions by service."""
        return {name: on["condition"] for name, on in self.said.get("depends_on", {}).items()}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def services(chosen: Mapping[str, str] | None = None) -> dict[str, Service]:
    """By name."""
    return {name: Service(name, said) for name, said in compose(chosen)["services"].items()}


def named(service: Service) -> str:
    return service.name


def text(name: str) -> str:
    return (CONFIGURATIONS / name).read_text()


def dockerfile_text() -> str:
    return (ROOT / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """Instructions and what follows them, continued lines joined."""
    joined = re.sub(r"\\\n\s*", "", dockerfile_text())
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def stages() -> dict[str, str]:
    """Images by the stage's name."""
    found = [said.split(" AS ") for word, said in instructions() if word == "FROM"]
    assert all(len(said) == 2 for said in found), "every stage has a name"
    return {name: image for image, name in found}
