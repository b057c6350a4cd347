#!/bin/sh
# What stands before Grafana's own start: lays out what it is provisioned with, and hands it the
# query token. Everything is written anew at each start.
#
#   SEAMARK_PROVISIONED  what `make dashboards` wrote: datasources, dashboards, alerting, contact-points
#   SEAMARK_SECRETS      the folder with this service's secrets
#   GF_PATHS_PROVISIONING  where Grafana reads; it is made here
set -eu

mkdir -p "$GF_PATHS_PROVISIONING" "$GF_PATHS_PROVISIONING/plugins" "$GF_PATHS_PROVISIONING/access-control"
for part in datasources dashboards alerting; do
  cp -R "$SEAMARK_PROVISIONED/$part" "$GF_PATHS_PROVISIONING/"
done

# A contact point for each address that is there: Grafana does not start with one that lacks its own.
contact_point() { # file, address
  if [ -n "$2" ]; then
    cp "$SEAMARK_PROVISIONED/contact-points/$1.yaml" "$GF_PATHS_PROVISIONING/alerting/contact-point-$1.yaml"
  fi
}
contact_point email "${SEAMARK_ALERT_EMAIL_ADDRESSES:-}"
contact_point pagerduty "${SEAMARK_ALERT_PAGERDUTY_KEY:-}"
contact_point slack "${SEAMARK_ALERT_SLACK_URL:-}"
contact_point webhook "${SEAMARK_ALERT_WEBHOOK_URL:-}"

# Grafana fills variables of the environment into what it is provisioned with; files it does not know.
SEAMARK_GRAFANA_TOKEN=$(cat "$SEAMARK_SECRETS/token")
export SEAMARK_GRAFANA_TOKEN

# Slack and the like are checked by the system's authorities, the API (where it speaks TLS) by ours.
cat /etc/ssl/certs/ca-certificates.crt "$SEAMARK_SECRETS/ca.pem" >"$GF_PATHS_PROVISIONING/authorities.pem" 2>/dev/null || true
SSL_CERT_FILE=$GF_PATHS_PROVISIONING/authorities.pem
export SSL_CERT_FILE

exec "$@"
