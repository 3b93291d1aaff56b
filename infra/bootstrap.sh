#!/usr/bin/env bash
# Makes .venv and installs the pinned packages into it. Safe to run again: a finished installation is recognised by its stamp,
# written last; one that failed goes on where it stopped, and one that was killed begins with a new .venv.
#
#   bash infra/bootstrap.sh [--set cpu|cuda|cuda_arm64] [--dev]
#
#   --set   the packages to install; without it, those installed before, else those that fit this machine
#   --dev   also what infra/test.sh needs
set -euo pipefail
here=${BASH_SOURCE[0]%/*}
[[ $here != "${BASH_SOURCE[0]}" ]] || here=.
root=$(CDPATH='' cd -- "$here/.." && pwd -P)
lists=$root/infra/requirements
venv=$root/.venv
python=$venv/bin/python
log=$venv/bootstrap.log
chosen=$venv/tracemill.set
stamp=$venv/tracemill.stamp
unfinished=$venv/tracemill.unfinished
unset PIP_PREFIX PIP_TARGET PIP_USER PYTHONHOME PYTHONPATH UV_PYTHON UV_SYSTEM_PYTHON # they would send packages elsewhere than .venv

say() { printf 'bootstrap: %s\n' "$1" >&2; }

stop() {
    say "$1"
    exit 2
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

# The version of .venv's Python, if it is one: without pyvenv.cfg, bin/python is the machine's own Python, and would be installed into.
venv_version() {
    "$python" -c 'import os, sys
if os.path.realpath(sys.prefix) == os.path.realpath(sys.argv[1]): print("%d.%d" % sys.version_info[:2])' "$venv" 2>/dev/null || true
}

# Sets `base`, the Python that .venv is made with.
find_python() {
    local name version seen="" bare=""
    for name in python3.11 python3.12 python3 python; do
        version=$(version_of "$name")
        case $version in
            "") ;;
            3.11 | 3.12)
                if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
                    base=$name
                    return
                fi
                bare=$name
                ;;
            *) seen+="${seen:+, }$name is $version" ;;
        esac
    done
    [[ -z $bare ]] || stop "$bare lacks the modules venv and ensurepip; on Debian or Ubuntu install python$(version_of "$bare")-venv"
    stop "Python 3.11 or 3.12 is needed; seen: ${seen:-none}"
}

# Sets `packages`, the name of the list to install.
choose_packages() {
    if [[ -n $packages ]]; then return; fi
    if [[ -f $chosen ]]; then
        { read -r _ && read -r packages; } <"$chosen"
        return
    fi
    local machine
    machine=$(uname -sm)
    case $machine in
        "Linux x86_64") packages=cpu && { ! has_gpu || packages=cuda; } ;;
        "Linux aarch64") has_gpu || stop "no NVIDIA GPU is seen, and there is no CPU set for arm64; --set cuda_arm64 installs the GPU set all the same"
            packages=cuda_arm64 ;;
        *) stop "there is no set of packages for $machine; Linux on x86_64 or arm64 is needed" ;;
    esac
}

has_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi --list-gpus 2>/dev/null | grep -q '^GPU'; }

# What .venv must hold, as one digest.
key() {
    local files=("$lists/$packages.txt" "$lists/build.txt" "$root/pyproject.toml")
    [[ $1 != dev ]] || files+=("$lists/dev.txt")
    cat -- "${files[@]}" | sha256sum | cut -d' ' -f1
}

finished() {
    [[ -x $python && -f $venv/pyvenv.cfg && -f $stamp && -f $chosen && $(<"$chosen") == "$root"$'\n'"$packages" ]] || return 1
    grep -qsxF "dev $(key dev)" "$stamp" || { [[ $dev == no ]] && grep -qsxF "run $(key run)" "$stamp"; }
}

# The CPU set fills 4.3 GB; the GPU sets are reckoned at 14 GB, not measured. The rest is room for unpacking.
check_disk() {
    local due=6 free used=0
    [[ $packages == cpu ]] || due=18
    free=$(df -Pk -- "$root" | awk 'NR == 2 { print $4 }')
    [[ ! -d $venv ]] || used=$(du -sk -- "$venv" | cut -f1)
    ((free + used >= due * 1000000)) || stop "too little disk: $((free / 1000000)) GB free at $root, about $((due - used / 1000000)) GB needed"
}

# A new .venv is due after a kill (a package may be there by half), a move (launchers hold paths) and a change of set (two vLLM builds
# share a name).
make_venv() {
    local clear=() version=""
    rm -f -- "$stamp"
    if [[ -d $venv ]]; then
        version=$(venv_version)
        [[ -n $version ]] || clear=(--clear)
        [[ -z $version || $version == 3.11 || $version == 3.12 ]] || stop "$venv holds Python $version, 3.11 or 3.12 is needed; remove it and run again"
        [[ ! -f $unfinished ]] || clear=(--clear)
        [[ ! -f $chosen || $(<"$chosen") == "$root"$'\n'"$packages" ]] || clear=(--clear)
        if [[ -n ${clear[*]} ]]; then
            say "$venv is unfinished, or was made for another path or set: it is made anew"
            rm -f -- "$venv/pyvenv.cfg" # first, so that a clearing cut short is seen
        fi
    fi
    if [[ -z $version || -n ${clear[*]} ]] || ! "$python" -m pip --version >/dev/null 2>&1; then
        "$base" -m venv ${clear[@]+"${clear[@]}"} -- "$venv" >&2 || stop "$base could not make $venv"
    fi
    [[ -n $(venv_version) ]] || stop "$base made no virtual environment at $venv; remove it and run again"
    printf '%s\n%s\n' "$root" "$packages" >"$chosen"
    : >"$unfinished"
    : >"$log"
}

# Runs a command into the log; if it fails, the last word is one line that says what was being installed.
logged() {
    local what=$1
    shift
    if ! "$@" >>"$log" 2>&1 </dev/null; then
        rm -f -- "$unfinished"
        stop "$what could not be installed: ${reason:-is a package index in reach?} The log is $log"
    fi
}

pip() { PIP_REQUIRE_VIRTUALENV=1 "$python" -m pip install --disable-pip-version-check --no-input --quiet "$@"; }

# Wheels only, but for hnswlib, which has none. Told by VIRTUAL_ENV rather than --python, uv refuses what is not a virtual environment.
uv() { VIRTUAL_ENV=$venv "$venv/bin/uv" pip install --no-progress --no-deps --only-binary :all: --no-binary hnswlib "$@"; }

# uv does not read pip's settings: hands it the index, if one is set there.
prepare_uv() {
    local cache index
    cache=$("$venv/bin/uv" cache dir)
    rm -rf -- "${cache:?}"/interpreter-v* # remembers by path what stood there before this .venv
    index=$("$python" -m pip config list 2>/dev/null | sed -n "s/^[^=]*\.index-url='\(.*\)'\$/\1/p" | tail -n 1)
    [[ -z $index || -n ${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-} ]] || export UV_DEFAULT_INDEX=$index
}

# hnswlib is compiled here: says what is missing for that, if anything is. A build in uv's cache needs neither.
compiler_lack() {
    if ! { command -v c++ || command -v g++ || command -v clang++; } >/dev/null; then
        echo "it is compiled here, and there is no C++ compiler (on Debian or Ubuntu: g++)."
    elif ! "$python" -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null; then
        echo "it is compiled here, and Python.h is missing (on Debian or Ubuntu: python$(version_of "$python")-dev)."
    fi
}

pinned() { grep -h "^$1==" "$2"; }

install_torch() {
    local torch
    torch=$(pinned torch "$lists/cpu.txt")
    pip --no-deps "$torch" >>"$log" 2>&1 </dev/null ||
        logged "$torch" pip --no-deps --extra-index-url https://download.pytorch.org/whl/cpu "$torch"
}

install() {
    logged uv pip --no-deps "$(pinned uv "$lists/build.txt")"
    prepare_uv
    reason=$(compiler_lack)
    logged hnswlib uv --build-constraints "$lists/build.txt" "$(pinned hnswlib "$lists/$packages.txt")"
    reason=""
    [[ $packages != cpu ]] || install_torch
    logged "$packages.txt" uv -r "$lists/$packages.txt"
    [[ $dev == no ]] || logged dev.txt uv -r "$lists/dev.txt"
    logged "the project" uv --no-build-isolation --no-binary tracemill --editable "$root"
    compile_bytecode
}

# pip compiles what it installs, uv does not: every first start, and every start where .venv cannot be written, would pay for it.
# Some packages ship templates that are no Python; they are passed over.
compile_bytecode() {
    "$python" -m compileall -q -j 0 "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" >>"$log" 2>&1 </dev/null || true
}

write_stamp() {
    { printf 'run %s\n' "$(key run)"; [[ $dev == no ]] || printf 'dev %s\n' "$(key dev)"; } >"$stamp.new"
    mv -f -- "$stamp.new" "$stamp"
    rm -f -- "$unfinished"
}

packages="" dev=no
while (($#)); do
    case $1 in
        --dev) dev=yes ;;
        --set)
            [[ ${2:-} =~ ^(cpu|cuda|cuda_arm64)$ ]] || stop "--set takes cpu, cuda or cuda_arm64; seen: ${2:-nothing}"
            packages=$2 && shift
            ;;
        *) stop "unknown argument $1; known: --set cpu|cuda|cuda_arm64, --dev" ;;
    esac
    shift
done

# Two runs at once would install over one another: the second waits, and then finds the work done.
if command -v flock >/dev/null; then exec 9<"${BASH_SOURCE[0]}" && flock 9; fi
choose_packages
if finished; then exit 0; fi
find_python
check_disk
say "installing the $packages set into $venv"
cd -- "$root"
make_venv
install
write_stamp
say "ready after $SECONDS s"
