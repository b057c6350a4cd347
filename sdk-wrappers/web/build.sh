#!/usr/bin/env bash
# Builds and checks @seamark/web; installs what package-lock.json names first.
#   ./build.sh dist      the bundles and their types
#   ./build.sh test      dist, then types, lint, vectors, sizes, the package
#   ./build.sh pack      the package as npm publishes it, into $SEAMARK_PACK_FOLDER
#   ./build.sh testing   a user's test with Playwright: CHROMIUM SITE
#   ./build.sh report    runs the vectors and writes the report that vector_check.py reads to $SEAMARK_VECTOR_REPORT
set -euo pipefail
cd "$(dirname "$0")"
TOOLS=../../grafana/datasource/.tools

if ! command -v npm >/dev/null || ! node --eval 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null; then
  [ -x "$TOOLS/bin/npm" ] || { echo "no Node.js 20 or newer; make plugin brings one" >&2; exit 1; }
  PATH=$(realpath "$TOOLS")/bin:$PATH
fi
exec 9>.installing # one build at a time
flock 9
if ! cmp -s package-lock.json node_modules/.installed-lock.json; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.installed-lock.json
fi
PATH=$PWD/node_modules/.bin:$PATH

case "${1:-}" in
  dist)
    node build.mjs
    ;;
  test)
    node build.mjs test
    tsc -p .
    eslint --max-warnings 0 .
    prettier --check --log-level warn .
    node --test --test-reporter=dot build/
    publint --strict
    attw --pack . --profile esm-only --no-emoji --no-color
    ;;
  testing)
    node test/testing_page.mjs "$2" "$3"
    ;;
  report)
    node build.mjs test
    node --test build/vectors.test.mjs >/dev/null
    ;;
  pack)
    npm pack --ignore-scripts --pack-destination "$SEAMARK_PACK_FOLDER" >/dev/null 2>&1
    ;;
  *)
    sed -n '2,7p' "$0"
    exit 2
    ;;
esac
