"""The file of `seamark apply`: orgs, their apps, and settings of both. Pure but for reading it.

    orgs:
      acme:
        name: Acme
        apps:
          shop: {platform: web, timeSource: received}

Settings are those of `seamark.service.registry.settings`, in the names of HTTP. One that is left
out stays as it is; null is its default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from seamark.service.registry.names import NAME_RULE, is_name
from seamark.service.registry.settings import AppSettings, OrgSettings

Settings = Mapping[str, Any]
"""Name -> value as it is answered over HTTP."""
_APPS: Final = "apps"


class WrongFile(Exception):
    """What is wrong with the file, line by line; for a person."""


@dataclass(frozen=True, slots=True)
class WantedOrg:
    """Settings of an org, and those of its apps, by name."""

    settings: Settings
    apps: Mapping[str, Settings]


def read_wanted(path: Path) -> dict[str, WantedOrg]:
    """The orgs that a file declares. Raises WrongFile naming all that is wrong."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongFile(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WrongFile(f"{path} is not YAML: {error}") from error
    problems: list[str] = []
    wanted = orgs(found, problems)
    if problems:
        raise WrongFile("\n".join(f"{path}: {problem}" for problem in problems))
    return wanted


def orgs(found: object, problems: list[str]) -> dict[str, WantedOrg]:
    """What a file's content declares; what is wrong with it is added to `problems`."""
    top = _mapping(found, "the file", problems)
    for name in top.keys() - {"orgs"}:
        problems.append(f"there is no {name!r} at the top; everything is under orgs")
    made: dict[str, WantedOrg] = {}
    for org, declared in _named(top.get("orgs"), "orgs", problems):
        fields = dict(_mapping(declared, f"orgs.{org}", problems))
        apps = {
            app: _settings(settings, AppSettings, f"orgs.{org}.apps.{app}", problems)
            for app, settings in _named(fields.pop(_APPS, None), f"orgs.{org}.apps", problems)
        }
        made[org] = WantedOrg(_settings(fields, OrgSettings, f"orgs.{org}", problems), apps)
    return made


def _named(found: object, where: str, problems: list[str]) -> list[tuple[str, object]]:
    """What is declared under names that can be names."""
    made: list[tuple[str, object]] = []
    for name, value in _mapping(found, where, problems).items():
        if isinstance(name, str) and is_name(name):
            made.append((name, value))
        else:
            problems.append(f"{where}: {name!r} is no name: {NAME_RULE}")
    return made


def _mapping(found: object, where: str, problems: list[str]) -> Mapping[Any, Any]:
    if found is None:
        return {}
    if not isinstance(found, dict):
        problems.append(f"{where} is a {type(found).__name__}, not names with what they are")
        return {}
    return found


def _settings(
    found: object, kind: type[msgspec.Struct], where: str, problems: list[str]
) -> Settings:
    """Settings as they are answered: defaults of what is inside them filled in."""
    known = fields_of(kind)
    made: dict[str, Any] = {}
    for name, value in _mapping(found, where, problems).items():
        field = known.get(name)
        if field is None:
            problems.append(f"{where}: there is no setting {name!r}; there are {', '.join(known)}")
            continue
        try:
            made[name] = setting(field, value)
        except msgspec.ValidationError as error:
            problems.append(f"{where}.{name}: {error}")
    return made


def setting(field: msgspec.structs.FieldInfo, value: object) -> Any:
    """A value of a setting as it is answered; null is the default. Raises ValidationError."""
    if value is None:
        factory = field.default_factory
        read = factory() if callable(factory) else field.default
    else:
        read = msgspec.convert(value, field.type)
    return msgspec.to_builtins(read)


def fields_of(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """The settings of a kind by their names over HTTP."""
    return {_camel(field.name): field for field in msgspec.structs.fields(kind)}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
