"""Every kind of question. Routes, the OpenAPI document, handlers, the description at
`GET /v1/questions` and the isolation tests are made from this list; editors offer questions in its
order.
"""

from collections.abc import Mapping
from typing import Any, Final

from api.questions import (
    dead_letters,
    errors,
    event,
    freshness,
    funnel,
    label_values,
    labels,
    ledger,
    log_context,
    log_histogram,
    logs,
    metric_names,
    paths,
    receipt,
    replay,
    retention,
    servicemap,
    services,
    sessions,
    timeseries,
    top,
    trace,
    traces,
)
from api.questions.question import Question

QUESTIONS: Final[tuple[Question[Any], ...]] = (
    timeseries.QUESTION,
    top.QUESTION,
    funnel.QUESTION,
    retention.QUESTION,
    sessions.QUESTION,
    paths.QUESTION,
    errors.QUESTION,
    logs.QUESTION,
    log_histogram.QUESTION,
    log_context.QUESTION,
    traces.QUESTION,
    trace.QUESTION,
    services.QUESTION,
    servicemap.QUESTION,
    event.QUESTION,
    metric_names.QUESTION,
    labels.QUESTION,
    label_values.QUESTION,
    ledger.QUESTION,
    freshness.QUESTION,
    receipt.QUESTION,
    dead_letters.QUESTION,
    replay.QUESTION,
)
BY_KIND: Final[Mapping[str, Question[Any]]] = {question.kind: question for question in QUESTIONS}
