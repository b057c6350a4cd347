# Two images: `seamark` (every process of ours) and `grafana` (Grafana with our plugin and what it is
# provisioned with). docs/compose.md says how they are run; tests/unit/test_compose*.py hold this
# file to the repository.

FROM python:3.12.12-slim-trixie AS dependencies
WORKDIR /build
COPY pyproject.toml requirements.lock provisioning/compose/locked.py ./
# Their part of the lock and no more: --no-deps, and then a check that nothing is missing.
RUN python locked.py seamark > seamark.lock \
    && python locked.py hatchling > tools.lock \
    && python -m venv /opt/tools \
    && /opt/tools/bin/pip install --no-cache-dir --require-hashes --no-deps -r tools.lock \
    && python -m venv /opt/seamark \
    && /opt/seamark/bin/pip install --no-cache-dir --require-hashes --no-deps -r seamark.lock \
    && /opt/seamark/bin/pip check
COPY README.md ./
COPY seamark seamark
COPY collector collector
COPY processors processors
COPY api api
COPY provisioning provisioning
COPY grafana grafana
RUN /opt/tools/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir wheels . \
    && /opt/seamark/bin/pip install --no-cache-dir --no-index --no-deps wheels/*.whl


FROM python:3.12.12-slim-trixie AS seamark
# openssl makes the stack's certificates; it is there with ca-certificates. Volumes begin with the
# owner that these folders have, so that nothing ever has to run as root to own them.
RUN openssl version \
    && groupadd --gid 10001 seamark \
    && useradd --uid 10001 --gid seamark --home-dir /var/lib/seamark --no-create-home seamark \
    && install --directory --owner=seamark --group=seamark --mode=0700 \
        /secrets/init /secrets/nats /secrets/redis /secrets/clickhouse /secrets/s3 \
        /secrets/collector /secrets/api /secrets/provisioning /secrets/rows /secrets/archive \
        /secrets/demo /secrets/grafana /secrets/admin \
        /volumes/log /volumes/store /volumes/objects /volumes/grafana /volumes/admin \
        /var/lib/seamark /var/lib/seamark/spool /var/lib/seamark/rows /var/lib/seamark/archive \
        /var/lib/seamark/exports /var/lib/seamark/admin
COPY --from=dependencies /opt/seamark /opt/seamark
ENV PATH=/opt/seamark/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/seamark
USER 10001:10001
CMD ["seamark", "--help"]


FROM node:22.20.0-bookworm-slim AS plugin-frontend
WORKDIR /plugin
COPY grafana/datasource ./
RUN ./build.sh frontend


FROM golang:1.26.6-bookworm AS plugin-backend
ARG TARGETARCH
WORKDIR /plugin
COPY grafana/datasource/go.mod grafana/datasource/go.sum ./
RUN go mod download
COPY grafana/datasource ./
RUN ./build.sh backend ${TARGETARCH:+"$TARGETARCH"}


FROM grafana/grafana:13.1.3 AS grafana
# Readable by its user, whatever the umask of the checkout was.
COPY --chmod=0755 --from=plugin-frontend /plugin/dist /seamark/plugins/seamark-datasource
COPY --chmod=0755 --from=plugin-backend /plugin/dist /seamark/plugins/seamark-datasource
COPY --chmod=0755 provisioning/grafana /seamark/provisioning
COPY --chmod=0755 provisioning/compose/grafana/start.sh /seamark/start.sh
USER 10001:10001
ENTRYPOINT ["/bin/sh", "/seamark/start.sh"]
CMD ["/run.sh"]
