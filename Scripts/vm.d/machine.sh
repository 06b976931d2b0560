# shellcheck shell=bash
# One machine: its disk, its start and its end. It consists of the folder VM_DIR/run/NAME and of the tap
# interface with its name.
# shellcheck disable=SC2154 # What is not assigned here, Scripts/vm assigns.

tap_name() { echo "mvm-$vm_name"; }

vm_is_running() {
    local pid start
    { read -r pid start <"$run_dir/process"; } 2>/dev/null || return 1
    [ "$(process_start_time "$pid")" = "$start" ]
}

# make_disk BASE FORMAT: makes an overlay over BASE, and copies the login key.
make_disk() {
    quietly "$run_dir/log" qemu-img create -q -f qcow2 -F "$2" -b "$1" "$run_dir/disk.qcow2"
    cp "$image/key" "$image/key.pub" "$run_dir/"
    chmod 600 "$run_dir/key"
}

# free_port: prints a loopback port on which nothing listens. If another program takes the port before QEMU
# does, QEMU fails with a message.
free_port() {
    local port
    for ((port = 22100 + RANDOM % 800; port < 23900; port++)); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return 0
        fi
    done
    die "no free port between 22100 and 23900 on 127.0.0.1"
}

write_access_files() {
    local port=$1 key
    read -r key <"$image/host_key.pub"
    echo "$port" >"$run_dir/port"
    printf '[127.0.0.1]:%s %s\n' "$port" "${key% *}" >"$run_dir/known_hosts"
    printf 'Host %s\n' "$vm_name" >"$run_dir/ssh_config"
    printf '    %s\n' "HostName 127.0.0.1" "Port $port" "User root" "IdentityFile $run_dir/key" \
        "IdentitiesOnly yes" "UserKnownHostsFile $run_dir/known_hosts" "GlobalKnownHostsFile /dev/null" \
        "StrictHostKeyChecking yes" "ConnectTimeout 20" "LogLevel ERROR" >>"$run_dir/ssh_config"
    # A login takes seconds on the emulated processor, so all logins share one connection. The path of a
    # socket has at most 107 bytes, and ssh needs 17 of them.
    [ ${#run_dir} -gt 80 ] || printf '    %s\n' "ControlMaster auto" "ControlPath $run_dir/control" \
        "ControlPersist yes" "ServerAliveInterval 10" >>"$run_dir/ssh_config"
    printf 'all:\n  hosts:\n    %s:\n      ansible_host: 127.0.0.1\n      ansible_port: %s\n' \
        "$vm_name" "$port" >"$run_dir/inventory.yaml"
    printf '      ansible_user: root\n      ansible_ssh_private_key_file: "%s"\n' "$run_dir/key" \
        >>"$run_dir/inventory.yaml"
}

# shape_machine SHAPE: sets `machine` to QEMU's arguments for processors, NUMA nodes and memory.
#
# -cpu max is not used, because its features only cost time when emulated. One thread emulates all CPUs in
# turn: with one thread for each CPU, eight CPUs that wait for each other on two real ones sometimes hang
# during the boot, and QEMU 7.2 crashes when they restart.
shape_machine() {
    local model=qemu64,vendor=GenuineIntel,+ssse3,+sse4.1,+sse4.2,+popcnt
    machine=(-machine q35 -accel "tcg,thread=single" -cpu "$model")
    case $1 in
        topology)
            machine+=(
                -smp "8,sockets=2,cores=2,threads=2" -m 2048
                -object "memory-backend-ram,id=memory0,size=1024M"
                -object "memory-backend-ram,id=memory1,size=1024M"
                -numa "node,nodeid=0,cpus=0-3,memdev=memory0"
                -numa "node,nodeid=1,cpus=4-7,memdev=memory1"
                -device "pxb-pcie,id=node1,bus_nr=64,numa_node=1,bus=pcie.0"
            )
            ;;
        plain) machine+=(-smp 2 -m 1024 -device "pxb-pcie,id=node1,bus_nr=64,bus=pcie.0") ;;
    esac
}

# start_vm STATE: starts QEMU from the saved state in that file; empty: the machine boots.
start_vm() {
    local port tap machine
    port=$(free_port)
    tap=$(tap_name)
    write_access_files "$port"
    # A card with several queues needs a peer with the same number of queues.
    ip link delete "$tap" 2>/dev/null || true
    ip tuntap add "$tap" mode tap multi_queue
    ip link set "$tap" alias "$run_dir" up
    : >"$run_dir/console.log"
    # These are from the last start; ask_qemu waits for the new ones.
    rm -f "$run_dir/commands" "$run_dir/events"
    shape_machine "$shape"
    "$vm_scripts/keep" "$run_dir" "$1" qemu-system-x86_64 -name "muster-$vm_name" "${machine[@]}" \
        -nodefaults -no-reboot -vga none -display none -qmp stdio \
        -drive "file=$run_dir/disk.qcow2,if=none,id=disk,cache=unsafe" \
        -device virtio-blk-pci,drive=disk,bus=pcie.0 \
        -netdev "user,id=ssh,restrict=on,hostfwd=tcp:127.0.0.1:$port-:22" \
        -device e1000e,netdev=ssh,bus=pcie.0,mac=52:54:00:6d:75:01,addr=3 \
        -device pcie-root-port,id=node1port,bus=node1,chassis=1 \
        -netdev hubport,id=feed,hubid=1 \
        -device e1000e,netdev=feed,bus=node1port,mac=52:54:00:6d:75:02 \
        -netdev hubport,id=second,hubid=1 \
        -device vmxnet3,netdev=second,bus=pcie.0,mac=52:54:00:6d:75:03,addr=5 \
        -netdev "tap,id=queues,ifname=$tap,script=no,downscript=no,queues=4" \
        -device virtio-net-pci,netdev=queues,mq=on,vectors=10,bus=pcie.0,mac=52:54:00:6d:75:04,addr=6 \
        -device virtio-rng-pci,bus=pcie.0 \
        -chardev "file,id=console,path=$run_dir/console.log,append=on" -serial chardev:console \
        </dev/null >/dev/null 2>"$run_dir/qemu.log" 9>&- &
    printf '%s %s\n' $! "$(process_start_time $!)" >"$run_dir/process"
    disown $!
}

# ask_qemu COMMAND [ARGUMENTS]: sends a QMP command to QEMU and prints its answer.
ask_qemu() {
    local number=$((SECONDS * 1000 + RANDOM)) tries answer
    for ((tries = 0; tries < 100; tries++)); do
        [ ! -p "$run_dir/commands" ] || break
        sleep 0.1
    done
    [ -p "$run_dir/commands" ] || die "QEMU of '$vm_name' is not running, so it cannot be sent the command '$1'"
    printf '{"execute": "%s", "arguments": %s, "id": %s}\n' "$1" "${2:-{\}}" "$number" >"$run_dir/commands"
    for ((tries = 0; tries < 600; tries++)); do
        answer=$(grep -E "\"id\": ${number}[,}]" "$run_dir/events" | tr -d '\r') || answer=
        case $answer in
            *'"return"'*)
                printf '%s\n' "$answer"
                return 0
                ;;
            *'"error"'*) die "QEMU of '$vm_name' refused the command '$1': $answer" ;;
        esac
        sleep 0.1
    done
    die "QEMU of '$vm_name' did not answer '$1' within 60 s"
}

wait_for_vm() {
    local deadline=$((SECONDS + $1)) state=
    until state=$(timeout 60 ssh -F "$run_dir/ssh_config" "$vm_name" systemctl is-system-running --wait 2>/dev/null) ||
        [ -n "$state" ]; do
        vm_is_running || {
            cat "$run_dir/qemu.log" >&2
            keep_console
            die "QEMU ended while '$vm_name' started; its output is above"
        }
        [ "$SECONDS" -lt "$deadline" ] || {
            tail -n 20 "$run_dir/console.log" >&2
            keep_console
            die "'$vm_name' did not answer over SSH within $1 s; the end of its console is above"
        }
        sleep 1
    done
    [ "$state" = running ] || {
        ssh -F "$run_dir/ssh_config" "$vm_name" systemctl --no-pager --failed >&2 || true
        keep_console
        die "'$vm_name' came up as '$state', not as 'running'; the failed units are above"
    }
}

keep_console() {
    cp "$run_dir/console.log" "$vm_dir/$vm_name-console.log"
    note "its console is kept in $vm_dir/$vm_name-console.log"
}

stop_vm() {
    local pid tries tap
    tap=$(tap_name)
    if vm_is_running; then
        read -r pid _ <"$run_dir/process"
        kill -TERM "$pid" 2>/dev/null || true
        for ((tries = 0; tries < 100; tries++)); do
            vm_is_running || break
            sleep 0.1
        done
        # QEMU first: without its parent nothing would end it.
        ! vm_is_running || { pkill -KILL -P "$pid"; kill -KILL "$pid"; } 2>/dev/null || true
    fi
    rm -f "$run_dir/process"
    # The alias shows whether the interface belongs to this machine.
    if [ "$(cat "/sys/class/net/$tap/ifalias" 2>/dev/null)" = "$run_dir" ]; then
        ip link delete "$tap" 2>/dev/null || true
    fi
}
