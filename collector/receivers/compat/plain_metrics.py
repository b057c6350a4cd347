"""`POST /metrics`, for compatibility clients: points of metrics, all of them or none.

{metrics: [{timestamp, name, value, tags{}}]}
200 {success: true, metrics_processed}; 400 names the first bad one, and nothing is taken
"""

import msgspec

from collector.admission.compat_metrics import read_metrics
from collector.admission.redaction.native import redact_events
from collector.receivers.compat.accept import PROTOCOL, CompatRoute, answer
from collector.receivers.exchange import Head, IngestRequest, Reply
from collector.receivers.native import check_media_type
from seamark.wire.envelope import Outcome
from seamark.wire.signals import Signal


class PlainMetrics(CompatRoute):
    """Points of metrics, which become events with a value."""

    path = "/metrics"
    mark = b'"success":false'

    async def accept(self, head: Head, body: bytes) -> Reply:
        """Take one request, content coding undone; 200 once the log has it.

        Raises Rejected and Unavailable, which `failure` answers.
        """
        check_media_type(head)
        admitted = self._ingest.admit(head, protocol=PROTOCOL)
        events = read_metrics(body, names=self._names)
        if admitted.redactor.may_touch_json(body):
            redact_events(admitted.redactor, events)
        outcome = Outcome(len(events), len(events))
        request = IngestRequest(Signal.EVENTS, msgspec.json.encode(events), outcome)
        await self._ingest.append(admitted, head, request)
        return answer(200, {"success": True, "metrics_processed": len(events)})
