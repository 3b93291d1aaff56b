#!/usr/bin/env bash
# Lint, types, import contracts and tests; stops at the first that fails. Further arguments go to pytest.
set -euo pipefail
here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.
CDPATH='' cd -- "$here/.."
exec </dev/null
# Two processes share the cores. Left to itself each takes them all, and threads that wait for one spin: a training then takes twice the time.
export OMP_NUM_THREADS=$((($(nproc) + 1) / 2))
unset PYTHONDONTWRITEBYTECODE # what one of some two hundred processes compiles, the next ones find

step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n=== %s\n' "$name"
    "$@" || {
        local status=$?
        printf '=== %s failed after %d s\n' "$name" $((SECONDS - began))
        exit $status
    }
    printf '=== %s passed in %d s\n' "$name" $((SECONDS - began))
}

step "packages" bash infra/bootstrap.sh --dev
PATH=$PWD/.venv/bin:$PATH
step "lint" ruff check .
step "format" ruff format --check .
step "types" mypy
step "import contracts" lint-imports

printf '\n=== tests\n'
report=$(mktemp)
trap 'rm -f -- "$report"' EXIT
status=0
python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 12 "$@" | tee -- "$report" || status=$?
printf '=== all steps took %d s\n' "$SECONDS"
grep -v '^[[:space:]]*$' "$report" | tail -n 1
exit "$status"
