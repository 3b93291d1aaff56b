#!/usr/bin/env bash
# Builds the pocket corpus: installs what is missing, then runs the recipe. Further arguments go to `tracemill build`.
set -euo pipefail
here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.
CDPATH='' cd -- "$here/.."
bash infra/bootstrap.sh
exec .venv/bin/tracemill build deployments/recipes/pocket.yaml "$@" </dev/null
