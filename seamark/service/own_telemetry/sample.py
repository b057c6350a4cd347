"""A metric that is looked up when a report is made, in the form of prometheus_client's families."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OwnSample:
    """One value."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(slots=True)
class OwnGauge:
    """A gauge and its values now."""

    name: str
    documentation: str
    type: str = "gauge"
    samples: list[OwnSample] = field(default_factory=list)
