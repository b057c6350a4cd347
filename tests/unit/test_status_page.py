"""docs/status.md names every route, and no route that does not exist."""

from typing import Any

from api.openapi import document
from collector.http import health_pages
from collector.receivers.registry import every_receiver
from seamark.service.health import Health
from tests.support.status_page import PAGE, page, rows

UNUSED: Any = object()


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text() == page(), "run `make docs`"


def test_the_table_names_every_route_once() -> None:
    named = [route for row in rows() for route in row.routes]
    api = {
        f"{method.upper()} {path}"
        for path, methods in document()["paths"].items()
        for method in methods
    }
    ingest = {f"ingest POST {receiver.path}" for receiver in every_receiver(UNUSED)}
    ingest |= {f"ingest GET {path}" for path in health_pages.build(Health(lambda: 0.0))}
    assert len(named) == len(set(named))
    assert set(named) == api | ingest


def test_what_is_planned_has_no_routes() -> None:
    assert not [row.what for row in rows() if row.state == "planned" and row.routes]
