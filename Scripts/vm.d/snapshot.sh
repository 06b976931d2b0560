# shellcheck shell=bash
# The state of a machine that has booted, one for each shape: what is begun from it is up in seconds.
# Made once, kept below the image that it ran on, made anew when the script that starts machines changes.
# shellcheck disable=SC2154 # What is not assigned here, Scripts/vm assigns.

# ensure_snapshot SHAPE: sets `snapshot` to the folder with disk.qcow2 and state; made if it is not there.
ensure_snapshot() {
    local key
    key=$({ cat "$vm_scripts"/{machine,snapshot}.sh && qemu-system-x86_64 --version; } | sha256sum | cut -c1-12)
    snapshot=$image/booted-$1-$key
    [ ! -d "$snapshot" ] || return 0
    exec {snapshot_lock}>"$image/booted-$1.lock"
    flock "$snapshot_lock"
    if [ ! -d "$snapshot" ]; then
        note "booting the machine that those of the shape '$1' begin from (once; a minute or two)"
        rm -rf --one-file-system "$snapshot.partial"
        mkdir -p "$snapshot.partial"
        # In a shell of its own, whose machine goes however this ends.
        (make_snapshot "$1" "$snapshot.partial")
        find "$image" -mindepth 1 -maxdepth 1 -type d -name "booted-$1-*" ! -path "$snapshot.partial" |
            remove_unused
        mv "$snapshot.partial" "$snapshot"
    fi
    exec {snapshot_lock}>&-
}

make_snapshot() {
    local folder=$2 tries status=
    # shellcheck disable=SC2034 # start_vm takes it.
    shape=$1
    # No other checkout's machine has that name.
    run_dir=$2 vm_name=s$BASHPID
    trap stop_vm EXIT
    trap 'exit 130' INT TERM
    make_disk "$image/disk.raw" raw
    start_vm ''
    wait_for_vm 600
    # Who asks first finds what the first login of a boot takes done.
    ssh -F "$run_dir/ssh_config" "$vm_name" 'apt-cache policy >/dev/null; sync'
    ssh -F "$run_dir/ssh_config" -O exit "$vm_name" 2>/dev/null || true
    # Without a bound: 128 MiB/s is for networks.
    ask_qemu migrate-set-parameters '{"max-bandwidth": 10000000000}' >/dev/null
    ask_qemu migrate "{\"uri\": \"exec:cat >'$folder/state'\"}" >/dev/null
    for ((tries = 0; tries < 600; tries++)); do
        status=$(ask_qemu query-migrate)
        [[ $status != *'"completed"'* ]] || break
        [[ $status != *'"failed"'* ]] || break
        sleep 0.2
    done
    [[ $status == *'"completed"'* ]] || die "QEMU does not write the state of a machine: $status"
    stop_vm
    trap - EXIT
    find "$folder" -mindepth 1 ! -name disk.qcow2 ! -name state -exec rm -rf {} +
}

# remove_unused: removes the folders on its input that no machine's disk lies on.
remove_unused() {
    local old
    while read -r old; do
        grep --quiet --fixed-strings "$old" "$vm_dir"/run/*/base 2>/dev/null || rm -rf --one-file-system "$old"
    done
}

# set_clock: a machine that begins from a state has that state's time.
set_clock() {
    ssh -F "$run_dir/ssh_config" "$vm_name" date --set "@$(date +%s.%N)" >/dev/null
}
