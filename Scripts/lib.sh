# shellcheck shell=bash
# Functions that all scripts share. Source it after `set -euo pipefail`.

# The repository of the sourcing script, and the folder for files that can be made again.
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck disable=SC2034 # Used by the scripts that source this file.
cache_dir=${MUSTER_CACHE_DIR:-$repository/.cache}
script_name=${0##*/}

# If a command fails, print where: some commands fail without a message.
set -E
trap 'printf "%s: error: %s, line %s: %s ended with %s\n" "$script_name" "${BASH_SOURCE[0]}" "$LINENO" "$BASH_COMMAND" "$?" >&2' ERR

# note TEXT…: a progress line. Data goes to stdout, progress to stderr.
note() {
    printf '%s: %s\n' "$script_name" "$*" >&2
}

# die TEXT…: prints what failed and what to do, and exits with 1.
die() {
    printf '%s: error: %s\n' "$script_name" "$*" >&2
    exit 1
}

# die_usage TEXT…: prints what is wrong with the arguments, and exits with 64.
die_usage() {
    printf '%s: error: %s\n' "$script_name" "$*" >&2
    printf "Try '%s --help'.\n" "$script_name" >&2
    exit 64
}

# require_root WHY
require_root() {
    [ "$(id -u)" -eq 0 ] || die "must be root: $1"
}

# require_commands COMMAND…: if any is missing, names all missing ones and how to install them.
require_commands() {
    local command missing=()
    for command in "$@"; do
        command -v "$command" >/dev/null || missing+=("$command")
    done
    [ ${#missing[@]} -eq 0 ] ||
        die "not installed: ${missing[*]}. Run Scripts/install-dependencies --test."
}

# quietly LOG COMMAND…: runs COMMAND with its output in LOG; the end of LOG is shown if it fails.
quietly() {
    local log=$1 status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 40 "$log" >&2
        die "'$*' ended with $status; its last lines of output are above, all of them are in $log"
    fi
}

# process_start_time PID: when the process started, in clock ticks since boot. Together with the PID
# this identifies a process even if the PID is used again. Fails if there is no such process, or if
# it is a zombie.
process_start_time() {
    local line fields
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The second field is a name in parentheses that may contain anything, even blanks.
    read -ra fields <<<"${line##*) }"
    [[ ${fields[0]} != [ZX] ]] || return 1
    echo "${fields[19]}"
}

# debian_mirror RELEASE: prints the mirror for packages: MUSTER_LAB_MIRROR if it is set, otherwise the
# one that apt of this machine uses.
debian_mirror() {
    local mirror=${MUSTER_LAB_MIRROR:-}
    if [ -z "$mirror" ] && command -v apt-get >/dev/null; then
        mirror=$(debian_sources "$1" | awk '$2 == "'"$1"'" && $3 == "main" { print $1; exit }')
    fi
    [ -n "$mirror" ] || die "apt on this machine has no source for Debian $1: name a mirror in MUSTER_LAB_MIRROR"
    printf '%s\n' "$mirror"
}

# debian_sources RELEASE: the apt sources of this machine for it and its updates, as ADDRESS SUITE COMPONENT.
debian_sources() {
    # shellcheck disable=SC2016 # apt expands these names, not the shell.
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v suite="^$1(-updates|-security)?$" '$2 ~ suite'
}

# bootstrap_debian ROOT RELEASE PACKAGES LOG [ARGUMENT…]: makes a minimal Debian in ROOT, through the proxy
# of this machine's apt. ARGUMENTs are for mmdebstrap, which takes half the time of debootstrap.
bootstrap_debian() {
    local mirror proxy=
    mirror=$(debian_mirror "$2")
    if command -v apt-config >/dev/null; then
        eval "$(apt-config shell proxy Acquire::http::Proxy)"
    fi
    [ -z "$proxy" ] || export http_proxy=${http_proxy:-$proxy}
    # unsafe-io: after a crash the root file system is simply made again.
    # shellcheck disable=SC2016 # The shell that mmdebstrap starts expands $1.
    quietly "$4" mmdebstrap --mode=root --variant=minbase --include="$3" \
        --aptopt='Acquire::Retries "3"' --dpkgopt=force-unsafe-io \
        --customize-hook='rm "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap' \
        "${@:5}" "$2" "$1" "$mirror"
}
