"""`docs/settings.md` holds every setting of every service, and nothing else."""

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from seamark.standalone import catalogue

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("seamark", "collector", "processors", "api", "provisioning")


def settings_classes() -> Iterator[type]:
    """Every dataclass of settings in a module called `settings` or `connections`."""
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(folder, prefix=f"{package}."):
            if found.name.rpartition(".")[2] not in ("settings", "connections"):
                continue
            module = importlib.import_module(found.name)
            for value in vars(module).values():
                if (
                    isinstance(value, type)
                    and value.__module__ == module.__name__
                    and dataclasses.is_dataclass(value)
                    and any("secret" in field.metadata for field in dataclasses.fields(value))
                ):
                    yield value


def catalogued_classes() -> set[type]:
    """The dataclasses of the catalogue, and those that they inherit settings from."""
    return {
        found
        for section in catalogue.SECTIONS
        for found in section.settings.__mro__
        if found is not object
    }


def test_every_settings_dataclass_is_catalogued_or_inherited_by_one_that_is() -> None:
    assert {section.settings for section in catalogue.SECTIONS} <= set(settings_classes())
    assert set(settings_classes()) <= catalogued_classes()


def test_no_setting_hides_outside_the_modules_that_are_searched() -> None:
    calls = re.compile(r"^\s+\w+: \w+ = setting\($|^\s+\w+: \w+ = setting\(", re.MULTILINE)
    searched = {found.__module__.replace(".", "/") + ".py" for found in catalogued_classes()}
    found = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if calls.search(path.read_text())
    }

    assert found - {"seamark/standalone/parts.py"} == searched  # names of LogSettings


def test_the_document_is_what_the_command_prints() -> None:
    written = (ROOT / "docs" / "settings.md").read_text()

    assert written == catalogue.markdown(), "run: seamark settings --markdown > docs/settings.md"


def test_names_are_unique_and_every_setting_is_explained() -> None:
    rows = [row for _, settings in catalogue.rows() for row in settings]

    assert len({row.name for row in rows}) == len(rows)
    assert all(row.text.endswith(".") for row in rows), [r for r in rows if r.text[-1] != "."]


def test_secrets_have_no_default_in_the_document() -> None:
    rows = {row.name: row for _, settings in catalogue.rows() for row in settings}

    assert rows["SEAMARK_LOG_PASSWORD"].default == "(secret)"
