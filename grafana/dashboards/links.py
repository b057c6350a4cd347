"""Where a click leads: our own dashboards, with range, datasource and variables kept."""

from urllib.parse import quote

_RANGE = "${__url_time_range}&"
_SOURCE = "${datasource:queryparam}"
THIS = "${__value.raw:percentencode}"
"""The value that is clicked, as it is and not as it is shown."""


def to(uid: str, *keep: str, **choose: str) -> str:
    """The dashboard `uid`: variables of `keep` as they are, those of `choose` from a template."""
    return f"/d/{quote(uid)}?{_RANGE}{_values(keep, choose)}"


def opening(uid: str, *keep: str) -> str:
    """The same, with the range that the dashboard itself opens with."""
    return f"/d/{quote(uid)}?{_values(keep, {})}"


def _values(keep: tuple[str, ...], choose: dict[str, str]) -> str:
    kept = "".join(f"&${{{name}:queryparam}}" for name in keep)
    chosen = "".join(f"&var-{name}={template}" for name, template in choose.items())
    return f"{_SOURCE}{kept}{chosen}"


def cell(column: str) -> str:
    """What stands in that column of the row that is clicked."""
    return f'${{__data.fields["{column}"]:percentencode}}'


def label(name: str) -> str:
    """That label of the series that is clicked."""
    return f"${{__field.labels.{name}:percentencode}}"
