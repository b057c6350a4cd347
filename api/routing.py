"""One route of the API as its description tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the description. `body` and `query` are types of requests."""

    method: str
    path: str
    summary: str
    answer: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    path_parameters: dict[str, str] = field(default_factory=dict)
    """Name -> pattern."""
    public: bool = False
    content_type: str = "application/json"
    status: int = 200
    body_example: Mapping[str, Any] | None = None
    answer_example: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of requests that mean something here: name -> what."""
