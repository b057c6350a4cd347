#!/bin/sh
# What stands before Grafana's own start: lays out what it is provisioned with, and hands it the
# query token. Everything is written anew at each start.
#
#   SEAMARK_PROVISIONED  what `make dashboards` wrote: datasources, dashboards, alerting,
#                        contact-points, policies
#   SEAMARK_SECRETS      the folder with this service's secrets
#   GF_PATHS_PROVISIONING  where Grafana reads; it is made here
set -eu

mkdir -p "$GF_PATHS_PROVISIONING" "$GF_PATHS_PROVISIONING/plugins" "$GF_PATHS_PROVISIONING/access-control"
for part in datasources dashboards alerting; do
  cp -R "$SEAMARK_PROVISIONED/$part" "$GF_PATHS_PROVISIONING/"
done

# A contact point and a route for each address that is there: Grafana does not start with a contact
# point that lacks its address, or a route that leads nowhere. The first one hears everything that no
# route takes. Without any, alerts are shown in Grafana and sent to nobody.
policy=$GF_PATHS_PROVISIONING/alerting/policy.yaml
cp "$SEAMARK_PROVISIONED/policies/seamark.yaml" "$policy"
first=
contact_point() { # file, name, address
  if [ -n "$3" ]; then
    cp "$SEAMARK_PROVISIONED/contact-points/$1.yaml" "$GF_PATHS_PROVISIONING/alerting/contact-point-$1.yaml"
    first=${first:-$2}
  else
    sed -i "/- receiver: $2\$/,/continue: true/d" "$policy"
  fi
}
contact_point slack "Seamark Slack" "${SEAMARK_ALERT_SLACK_URL:-}"
contact_point email "Seamark e-mail" "${SEAMARK_ALERT_EMAIL_ADDRESSES:-}"
contact_point webhook "Seamark webhook" "${SEAMARK_ALERT_WEBHOOK_URL:-}"
contact_point pagerduty "Seamark PagerDuty" "${SEAMARK_ALERT_PAGERDUTY_KEY:-}"
if [ -n "$first" ]; then
  sed -i "s/^    receiver: .*/    receiver: $first/" "$policy"
else
  printf 'apiVersion: 1\nresetPolicies:\n  - 1\n' >"$policy"
  echo "seamark: no SEAMARK_ALERT_... is set: alerts are shown in Grafana and sent to nobody" >&2
fi

# Grafana fills variables of the environment into what it is provisioned with; files it does not know.
SEAMARK_GRAFANA_TOKEN=$(cat "$SEAMARK_SECRETS/token")
SEAMARK_GRAFANA_ORG=$(cat "$SEAMARK_SECRETS/org")
export SEAMARK_GRAFANA_TOKEN SEAMARK_GRAFANA_ORG

# Links in alerts lead to where people reach Grafana; on a phone that is never this machine's loopback.
GF_SERVER_ROOT_URL=${SEAMARK_GRAFANA_ROOT_URL:-http://127.0.0.1:$SEAMARK_GRAFANA_PORT/}
export GF_SERVER_ROOT_URL
if [ -n "$first" ] && [ -z "$SEAMARK_GRAFANA_ROOT_URL" ]; then
  echo "seamark: links in alerts open on this machine alone; SEAMARK_GRAFANA_ROOT_URL says another" >&2
fi

# Slack and the like are checked by the system's authorities, the API (where it speaks TLS) by ours.
cat /etc/ssl/certs/ca-certificates.crt "$SEAMARK_SECRETS/ca.pem" >"$GF_PATHS_PROVISIONING/authorities.pem" 2>/dev/null || true
SSL_CERT_FILE=$GF_PATHS_PROVISIONING/authorities.pem
export SSL_CERT_FILE

exec "$@"
