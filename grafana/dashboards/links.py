"""Where a click leads: our own dashboards, with range, datasource and variables kept."""

from urllib.parse import quote

_KEEP = "${__url_time_range}&${datasource:queryparam}"


def to(uid: str, *keep: str, **choose: str) -> str:
    """The dashboard `uid`: variables of `keep` as they are, those of `choose` from a template."""
    kept = "".join(f"&${{{name}:queryparam}}" for name in keep)
    chosen = "".join(f"&var-{name}={template}" for name, template in choose.items())
    return f"/d/{quote(uid)}?{_KEEP}{kept}{chosen}"


def cell(column: str) -> str:
    """What stands in that column of the row that is clicked."""
    return f'${{__data.fields["{column}"]:percentencode}}'


def label(name: str) -> str:
    """That label of the series that is clicked."""
    return f"${{__field.labels.{name}:percentencode}}"
