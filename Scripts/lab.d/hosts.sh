# shellcheck shell=bash
# The hosts of one lab: their files, their start and their end. A lab consists of the folder
# LAB_DIR/run/NAME, and of one bridge and one cgroup with its number. Nothing else is changed.
# shellcheck disable=SC2154 # What is not assigned here, Scripts/lab assigns.

# Addresses are private and exist only on the lab's own bridge: 10.231.0.0/16, 1022 for each lab.
slots=64
# shellcheck disable=SC2034 # Used by Scripts/lab.
hosts_per_lab=1000
prefix=22

cgroup_roots=(/sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd)

# slot_address NUMBER: the address with this NUMBER in the lab; 1 is this machine, hosts begin at 10.
slot_address() {
    echo "10.231.$((slot * 4 + $1 / 256)).$(($1 % 256))"
}

# host_address INDEX
host_address() {
    slot_address $((9 + $1))
}

# The alias of the bridge is the lab's folder, so that the bridge can be recognized, and found even if
# the folder is gone.
bridge_owner() {
    cat "/sys/class/net/muster-lab-$1/ifalias" 2>/dev/null
}

# Sets `slot` to the number of this lab; fails if it has none.
find_slot() {
    for ((slot = 0; slot < slots; slot++)); do
        [ "$(bridge_owner "$slot")" != "$run_dir" ] || return 0
    done
    return 1
}

# Whether processes of a lab with this number may still exist, even without a bridge.
has_cgroups() {
    local root
    for root in "${cgroup_roots[@]}"; do
        [ ! -d "$root/muster-lab-$1" ] || return 0
    done
    return 1
}

# Sets `slot` to the lab's own number, or to the first free one. Making the bridge claims the number.
claim_slot() {
    find_slot && return 0
    for ((slot = 0; slot < slots; slot++)); do
        if has_cgroups "$slot" || ip route show root "$(slot_address 0)/$prefix" | grep --quiet .; then
            continue
        fi
        if ip link add "muster-lab-$slot" type bridge 2>/dev/null; then
            ip link set "muster-lab-$slot" alias "$run_dir"
            ip address add "$(slot_address 1)/$prefix" dev "muster-lab-$slot"
            ip link set "muster-lab-$slot" up
            echo "$slot" >"$run_dir/slot"
            return 0
        fi
    done
    die "no free network: all $slots of 10.231.0.0/16 are in use, or no bridge can be made here." \
        "See 'ip link show type bridge' and 'Scripts/lab list --all'."
}

# Each systemd uses about five inotify instances; the kernel counts them per user for the whole machine.
require_inotify() {
    local new=$1 limit used
    limit=$(</proc/sys/fs/inotify/max_user_instances)
    # Processes that end in the meantime are not an error.
    used=$({ find /proc/[0-9]*/fd -lname anon_inode:inotify 2>/dev/null || true; } | wc -l)
    [ $((used + 5 * new)) -le "$limit" ] ||
        die "$new more hosts with systemd need about $((5 * new)) inotify instances; $used of $limit are in use." \
            "Raise the limit (sysctl fs.inotify.max_user_instances=$((used + 10 * new))), or use --light hosts."
}

# host_is_running HOST: whether its recorded process is still running, and is the same process.
host_is_running() {
    local pid start
    { read -r pid start <"$run_dir/hosts/$1/process"; } 2>/dev/null || return 1
    [ "$(process_start_time "$pid")" = "$start" ]
}

# The names of the hosts of this lab, in order.
lab_hosts() {
    [ ! -d "$run_dir/hosts" ] || find "$run_dir/hosts" -mindepth 1 -maxdepth 1 -printf '%f\n' |
        sort --version-sort
}

# make_seed: makes the files that every host of the lab has on top of the image, once for each lab.
make_seed() {
    local seed=$run_dir/seed user home uid gid
    [ ! -d "$seed" ] || return 0
    rm -rf "$seed.partial"
    mkdir -p "$seed.partial/etc/ssh"
    ssh-keygen -q -t ed25519 -N '' -C "muster lab $lab_name" -f "$run_dir/key" <<<y >/dev/null
    while IFS=: read -r user _ uid gid _ home _; do
        case $user in root | ops | nosudo) ;; *) continue ;; esac
        mkdir -p "$seed.partial$home/.ssh"
        cp "$run_dir/key.pub" "$seed.partial$home/.ssh/authorized_keys"
        chmod 700 "$seed.partial$home" "$seed.partial$home/.ssh"
        chmod 600 "$seed.partial$home/.ssh/authorized_keys"
        chown -R "$uid:$gid" "$seed.partial$home"
    done <"$image/etc/passwd"
    mv "$seed.partial" "$seed"
}

# make_host HOST INDEX: makes the folder with the host's own files; it appears only when complete.
make_host() {
    local dir=$run_dir/hosts/$1 partial=$run_dir/making index=$2
    rm -rf --one-file-system "$partial"
    mkdir -p "$partial"/{work,root}
    cp -a "$run_dir/seed" "$partial/upper"
    echo "$1" >"$partial/upper/etc/hostname"
    printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n%s\t%s\n' "$(host_address "$index")" "$1" \
        >"$partial/upper/etc/hosts"
    tr -d - </proc/sys/kernel/random/uuid >"$partial/upper/etc/machine-id"
    ssh-keygen -q -t ed25519 -N '' -C "root@$1" -f "$partial/upper/etc/ssh/ssh_host_ed25519_key"
    host_address "$index" >"$partial/address"
    mkdir -p "$run_dir/hosts"
    mv "$partial" "$dir"
}

# start_host HOST INDEX: returns at once; wait_for_host tells whether the host came up.
start_host() {
    local dir=$run_dir/hosts/$1
    rm -f "$dir/process"
    # An overlay work folder from an earlier start of the host would prevent the mount.
    rm -rf "$dir/work"
    mkdir "$dir/work"
    setsid "$lab_scripts/launch" start "$kind" "$1" "$dir" "$image" "$slot" "ml$slot-$2" \
        "$(host_address "$2")/$prefix" "$(slot_address 1)" </dev/null >"$dir/console.log" 2>&1 &
    printf '%s %s\n' $! "$(process_start_time $!)" >"$dir/process"
    # So that this script can end before the host does.
    disown $!
}

# wait_for_host HOST SECONDS: waits until its sshd answers and, if it has one, its systemd is up.
wait_for_host() {
    local dir=$run_dir/hosts/$1 deadline=$((SECONDS + $2)) address state
    address=$(<"$dir/address")
    until answers "$address"; do
        if ! host_is_running "$1"; then
            tail -n 20 "$dir/console.log" >&2
            die "$1 ended while it started; the last lines of $dir/console.log are above"
        fi
        [ "$SECONDS" -lt "$deadline" ] || {
            tail -n 20 "$dir/console.log" >&2
            die "$1 ($address) did not answer on port 22 within $2 s; see $dir/console.log"
        }
        sleep 0.1
    done
    [ "$kind" = container ] || return 0
    state=$(timeout "$2" ssh -F "$run_dir/ssh_config" "$1" systemctl is-system-running --wait) || true
    if [ "$state" != running ]; then
        ssh -F "$run_dir/ssh_config" "$1" systemctl --no-pager --failed >&2 || true
        die "$1 came up as '$state', not as 'running'; what failed is above"
    fi
}

# answers ADDRESS: whether an SSH server listens there.
answers() {
    local banner=
    # In a separate process with a time limit: a connection without an answer takes minutes to fail.
    banner=$(timeout 2 bash -c "exec 3<>/dev/tcp/$1/22; read -r -t 2 -u 3 line; printf %s \"\$line\"" 2>/dev/null) || true
    [[ $banner == SSH-* ]]
}

# Stops all processes in the lab's cgroups and removes the cgroups; they contain all that the lab started.
stop_cgroups() {
    local root top groups group pid tries
    for root in "${cgroup_roots[@]}"; do
        top=$root/muster-lab-$slot
        [ -d "$top" ] || continue
        for ((tries = 0; tries < 100; tries++)); do
            mapfile -t groups < <(find "$top" -depth -type d 2>/dev/null)
            for group in "${groups[@]}"; do
                while read -r pid; do
                    kill -KILL "$pid" 2>/dev/null || true
                done < <(cat "$group/cgroup.procs" 2>/dev/null || true)
            done
            # A cgroup can be removed only when its last process has ended.
            for group in "${groups[@]}"; do
                rmdir "$group" 2>/dev/null || true
            done
            [ -d "$top" ] || break
            sleep 0.05
        done
        [ ! -d "$top" ] || die "$top cannot be removed: processes $(find "$top" -name cgroup.procs \
            -exec cat {} + | tr '\n' ' ') do not end"
    done
}

# Removes the lab, whatever state it is in.
remove_lab() {
    local host pid
    for host in $(lab_hosts); do
        if host_is_running "$host"; then
            read -r pid _ <"$run_dir/hosts/$host/process"
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
    if find_slot; then
        stop_cgroups
        ip link delete "muster-lab-$slot"
    elif { read -r slot <"$run_dir/slot"; } 2>/dev/null && [ -z "$(bridge_owner "$slot")" ]; then
        # The bridge was removed by someone else. The number still belongs to this lab, because a number with
        # cgroups is never claimed.
        stop_cgroups
    fi
    rm -rf --one-file-system "$run_dir"
}
