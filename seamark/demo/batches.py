"""Native batches of a visit: one per page, as the browser sends it on leaving. Pure."""

import msgspec

from seamark.demo.visits import Page, Visit


def encode_batch(
    visit: Visit, page: Page, *, batch_id: str, app: str, start_ms: int, sent_ms: int
) -> bytes:
    """The JSON body for one page of a visit that began at `start_ms` by the device's clock.

    `sent_ms` is when the device sends it; the time between the two is how far back it is stored.
    """
    body: dict[str, object] = {
        "sdk": {"name": "seamark-demo", "version": "1.0.0"},
        "sentAt": sent_ms,
        "batchId": batch_id,
        "events": [
            {
                "ts": start_ms + event.offset_ms,
                "name": event.name,
                "attrs": event.attrs,
                "sessionId": visit.session,
                "userAnonId": visit.user,
                "device": visit.browser.device,
            }
            | ({} if event.value is None else {"value": event.value, "unit": event.unit})
            for event in page.events
        ],
    }
    if app:
        body["appId"] = app
    return msgspec.json.encode(body)
