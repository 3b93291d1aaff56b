#!/usr/bin/env bash
# Lint, types, import contracts and the quick tests, in under two minutes: run it before every commit.
# The tests marked slow, service or vllm are left to infra/test.sh. Further arguments go to pytest.
set -euo pipefail
here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.
CDPATH='' cd -- "$here/.."
. infra/steps.sh

[[ -x .venv/bin/pytest ]] || {
    printf 'check.sh: .venv holds no pytest; install the packages with: bash infra/bootstrap.sh --dev\n' >&2
    exit 1
}
PATH=$PWD/.venv/bin:$PATH
static_checks
run_tests -m "not slow and not service and not vllm" "$@"
