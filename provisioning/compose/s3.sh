#!/bin/sh
# Starts the S3 server (versitygw): it takes its secret from the environment alone, we keep it in a
# file. The rest of what it is told stands in compose.yaml.
set -eu
ROOT_SECRET_ACCESS_KEY=$(cat "$SEAMARK_SECRETS/objects")
export ROOT_SECRET_ACCESS_KEY
exec versitygw posix --sidecar "$SEAMARK_OBJECTS/attributes" "$SEAMARK_OBJECTS/buckets"
