# Sourced by check.sh and test.sh: a step with its name and seconds, and the checks that both begin with.

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

static_checks() {
    step "lint" ruff check .
    step "format" ruff format --check .
    step "types" mypy
    step "import contracts" lint-imports
}

# run_tests [ARGUMENTS]: the tests on two processes; ends the script with their exit code.
run_tests() {
    local report status=0
    report=$(mktemp)
    trap 'rm -f -- "$report"' EXIT
    printf '\n=== tests\n'
    python -m pytest -n 2 --dist loadfile --no-loadscope-reorder "$@" | tee -- "$report" || status=$?
    printf '=== all steps took %d s\n' "$SECONDS"
    grep -v '^[[:space:]]*$' "$report" | tail -n 1
    exit "$status"
}
