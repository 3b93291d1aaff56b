#!/usr/bin/env bash
# Lint, types, import contracts and all tests; stops at the first that fails. Further arguments go to pytest.
set -euo pipefail
here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.
CDPATH='' cd -- "$here/.."
. infra/steps.sh

step "packages" bash infra/bootstrap.sh --dev
PATH=$PWD/.venv/bin:$PATH
static_checks
run_tests --durations 12 "$@"
