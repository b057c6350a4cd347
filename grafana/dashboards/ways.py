"""The ways on from Start here: what one asks, and the dashboard that answers."""

from typing import Final

from grafana.dashboards import links


def _ways(*asked: tuple[str, str]) -> str:
    """A table in Markdown: what one asks, and where that is seen."""
    lines = "\n".join(f"| {question} | {where_to} |" for question, where_to in asked)
    return f"| You ask | Look at |\n|---|---|\n{lines}\n"


WRONG: Final = _ways(
    (
        "Which pages are slow?",
        f"[Web performance]({links.to('seamark-web-performance', 'app')})",
    ),
    ("Did a release do it?", f"[Releases]({links.to('seamark-releases', 'app')})"),
    ("What goes wrong?", f"[Errors]({links.to('seamark-errors', 'app')})"),
    ("Which service fails?", f"[Services]({links.to('seamark-services', 'app')})"),
    (
        "What did it say?",
        f"[Logs]({links.to('seamark-logs', 'app')}), [Traces]({links.to('seamark-traces', 'app')})",
    ),
)
GOING: Final = _ways(
    ("Who is there?", f"[Traffic]({links.opening('seamark-traffic', 'app')})"),
    (
        "Where do people drop out?",
        f"[Product]({links.opening('seamark-product', 'app')})",
    ),
    ("Is everything there?", f"[Ledger]({links.to('seamark-ledger')})"),
    ("Is Seamark well?", f"[Pipeline health]({links.to('seamark-pipeline')})"),
    (
        "Who sends how much?",
        f"[Tenants]({links.opening('seamark-tenants', 'app')}), "
        f"[Cost]({links.opening('seamark-cost')})",
    ),
)
