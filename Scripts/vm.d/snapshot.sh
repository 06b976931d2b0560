# shellcheck shell=bash
# The saved state of a booted machine, one for each shape: a machine that begins from it is up in seconds.
# It is made once, kept in the folder of its image, and made again when the scripts for it change.
# shellcheck disable=SC2154 # What is not assigned here, Scripts/vm assigns.

# ensure_snapshot SHAPE: sets `snapshot` to the folder with disk.qcow2 and state, and makes it if missing.
ensure_snapshot() {
    local key
    key=$({ cat "$vm_scripts"/{machine,snapshot}.sh && qemu-system-x86_64 --version; } | sha256sum | cut -c1-12)
    snapshot=$image/booted-$1-$key
    [ ! -d "$snapshot" ] || return 0
    exec {snapshot_lock}>"$image/booted-$1.lock"
    flock "$snapshot_lock"
    if [ ! -d "$snapshot" ]; then
        note "booting a machine of the shape '$1' to save its state (only once; takes a minute or two)"
        rm -rf --one-file-system "$snapshot.partial"
        mkdir -p "$snapshot.partial"
        # In a subshell, whose trap removes the machine in any case.
        (make_snapshot "$1" "$snapshot.partial")
        find "$image" -mindepth 1 -maxdepth 1 -type d -name "booted-$1-*" ! -path "$snapshot.partial" |
            remove_unused
        mv "$snapshot.partial" "$snapshot"
    fi
    exec {snapshot_lock}>&-
}

make_snapshot() {
    local folder=$2 tries status=
    # shellcheck disable=SC2034 # Used by start_vm.
    shape=$1
    # A name that no machine of another checkout has.
    run_dir=$2 vm_name=s$BASHPID
    trap stop_vm EXIT
    trap 'exit 130' INT TERM
    make_disk "$image/disk.raw" raw
    start_vm ''
    wait_for_vm 600
    # Do now what the first login after a boot takes time for.
    ssh -F "$run_dir/ssh_config" "$vm_name" 'apt-cache policy >/dev/null; sync'
    ssh -F "$run_dir/ssh_config" -O exit "$vm_name" 2>/dev/null || true
    # No limit: the default of 128 MiB/s is meant for networks.
    ask_qemu migrate-set-parameters '{"max-bandwidth": 10000000000}' >/dev/null
    ask_qemu migrate "{\"uri\": \"exec:cat >'$folder/state'\"}" >/dev/null
    for ((tries = 0; tries < 600; tries++)); do
        status=$(ask_qemu query-migrate)
        [[ $status != *'"completed"'* ]] || break
        [[ $status != *'"failed"'* ]] || break
        sleep 0.2
    done
    [[ $status == *'"completed"'* ]] || die "QEMU could not save the state of the machine: $status"
    stop_vm
    trap - EXIT
    find "$folder" -mindepth 1 ! -name disk.qcow2 ! -name state -exec rm -rf {} +
}

# remove_unused: removes those folders on its input that no machine's disk uses.
remove_unused() {
    local old
    while read -r old; do
        grep --quiet --fixed-strings "$old" "$vm_dir"/run/*/base 2>/dev/null || rm -rf --one-file-system "$old"
    done
}

# set_clock: sets the clock of a machine that began from a saved state, which has an old time.
set_clock() {
    ssh -F "$run_dir/ssh_config" "$vm_name" date --set "@$(date +%s.%N)" >/dev/null
}
