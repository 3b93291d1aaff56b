#!/usr/bin/env bash
# Installs the mill as services of this user: started with the machine, restarted when they die, never root.
#
#   bash infra/systemd/install.sh [UNIT_FOLDER]     # then: systemctl --user enable --now tracemill-server tracemill-worker tracemill-reports
#
# Run `.venv/bin/tracemill up` and `down` once before, so that ~/.tracemill/env exists. `loginctl enable-linger` starts them without a login.
set -euo pipefail
here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.
checkout=$(CDPATH='' cd -- "$here/../.." && pwd -P)
units=${1:-${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user}
[[ $EUID != 0 || -n ${1:-} ]] || {
    printf 'install: not as root: the mill runs as a user of its own\n' >&2
    exit 2
}
mkdir -p -- "$units"
for unit in "$checkout"/infra/systemd/*.service; do
    sed "s|@CHECKOUT@|$checkout|g" "$unit" >"$units/${unit##*/}"
    printf 'installed %s\n' "$units/${unit##*/}"
done
