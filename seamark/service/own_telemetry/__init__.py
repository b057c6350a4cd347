"""A process's own metrics, sent to a collector as OTLP: Seamark observes itself with itself.

What a process counts stays in its Prometheus registry, behind its `/metrics`; here it is read from
there at intervals, told in OTLP's JSON (`otlp.py`, pure) and posted (`report.py`). Nothing of this
imports protobuf, aiohttp or prometheus_client, so that it costs no process memory it has not spent.
"""
