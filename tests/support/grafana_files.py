"""The committed dashboards, as tests look at them."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana.dashboards.all import BOARDS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "provisioning" / "grafana"
PLUGIN = ROOT / "grafana" / "datasource" / "pkg" / "plugin"
SAVED = {
    board.uid: json.loads((FOLDER / f"dashboards/seamark/{board.uid}.json").read_text())
    for board in BOARDS
}


def panels(uid: str) -> list[dict[str, Any]]:
    return [panel for panel in SAVED[uid]["panels"] if panel["type"] != "row"]


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)


def overridden(panel: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Properties of columns or series, by name."""
    return {
        one["matcher"]["options"]: {p["id"]: p["value"] for p in one["properties"]}
        for one in panel.get("fieldConfig", {}).get("overrides", [])
        if one["matcher"]["id"] == "byName"
    }


def shown(panel: dict[str, Any]) -> list[str]:
    """The columns that a table lets through."""
    for transformation in panel.get("transformations", []):
        if transformation["id"] == "filterFieldsByName":
            return list(transformation["options"]["include"]["names"])
    return []


def clicked(panel: dict[str, Any]) -> set[str]:
    """The columns whose cells its links name."""
    found = (re.findall(r'__data\.fields\["([^"]+)"\]', text) for text in texts(panel))
    return set(itertools.chain.from_iterable(found))
