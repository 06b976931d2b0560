# shellcheck shell=bash
# The disk image that all machines share below their own overlays: Debian with its own kernel and GRUB on
# one partition, and stand-ins for the OpenOnload packages for its kernel. It is made once, kept in
# VM_DIR/image, and made again when the scripts that make it change.
# shellcheck disable=SC2154 # What is not assigned here, Scripts/vm assigns.

vm_release=bookworm
vm_packages=systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,sudo,iproute2,procps,udev,kmod
vm_packages+=,initramfs-tools,linux-image-amd64,grub-pc,ethtool,pciutils,irqbalance
# Downloaded but not installed, because a machine cannot reach a mirror.
vm_offered=(chrony linuxptp)
vm_disk_megabytes=3072
# Modules of the kernel that no device of the machine and no test wants: depmod reads every one there is,
# which takes the emulated processor half a minute.
vm_modules_left_out=(
    sound
    drivers/{bluetooth,comedi,firewire,gpu,hid,hwmon,iio,infiniband,isdn,media,memstick,mfd,mmc,nfc}
    drivers/{parport,pcmcia,platform,power,regulator,rtc,scsi,spi,staging,target,thunderbolt,usb,video,w1}
    drivers/mtd/{chips,devices,lpddr,maps,nand,parsers,spi-nor,tests,ubi}
    drivers/net/{can,fddi,hamradio,ieee802154,wan,wireless,usb,wwan}
    fs/{afs,btrfs,ceph,cifs,coda,f2fs,gfs2,hfs,hfsplus,jffs2,jfs,ksmbd,nfs,nfsd,nilfs2,ocfs2,orangefs,smb}
    fs/{reiserfs,ubifs,udf,ufs,xfs}
    net/{6lowpan,atm,ax25,batman-adv,bluetooth,can,ceph,ieee802154,mac80211,mac802154,mptcp,nfc,openvswitch}
    net/{rds,rxrpc,sctp,smc,sunrpc,tipc,wireless}
)
# Hooks of initramfs-tools that this image has no use for, and that take a quarter of update-initramfs.
vm_hooks_left_out=(fsck dmsetup keymap thermal resume)

# ensure_vm_image: sets `image` to the folder with disk.raw, key, host key and onload, and makes it if missing.
ensure_vm_image() {
    local key partial
    key=$(cat "$vm_scripts"/{image.sh,initramfs,onload/*} | sha256sum | cut -c1-12)
    image=$vm_dir/image/$vm_release-$key
    [ ! -d "$image" ] || return 0

    mkdir -p "$vm_dir/image"
    exec {image_lock}>"$vm_dir/image/lock"
    flock "$image_lock"
    if [ ! -d "$image" ]; then
        note "making the disk image $image (only once; takes a few minutes)"
        partial=$image.partial
        rm -rf --one-file-system "$partial"
        mkdir -p "$partial/root"
        # Runs in a subshell, whose trap removes its mounts in any case.
        make_vm_image "$partial"
        rm -rf --one-file-system "$partial/root" "$partial/log"
        find "$vm_dir/image" -mindepth 1 -maxdepth 1 -type d ! -path "$partial" | remove_unused
        mv "$partial" "$image"
    fi
    exec {image_lock}>&-
}

make_vm_image() (
    folder=$1 root=$1/root log=$1/log loop='' mounted=() excludes=() left_out=''
    # shellcheck disable=SC2317 # Called by the trap.
    release() {
        local path
        for path in ${mounted[@]+"${mounted[@]}"}; do umount --lazy "$path" || true; done
        if [ -n "$loop" ]; then
            partx --delete "$loop" 2>/dev/null || true
            losetup --detach "$loop" || true
        fi
    }
    trap release EXIT
    mount_at() {
        mount "${@:2}" "$1"
        mounted=("$1" "${mounted[@]}")
    }

    truncate --size "${vm_disk_megabytes}M" "$folder/disk.raw"
    printf 'label: dos\nstart=2048, type=83, bootable\n' | sfdisk --quiet "$folder/disk.raw"
    loop=$(losetup --find --show --partscan "$folder/disk.raw")
    # Without udev, partitions appear only on request.
    [ -b "${loop}p1" ] || partx --add "$loop"
    quietly "$log" mkfs.ext4 -q -L muster-vm "${loop}p1"
    mount_at "$root" "${loop}p1"
    export DEBIAN_FRONTEND=noninteractive
    for left_out in "${vm_modules_left_out[@]}"; do
        excludes+=("--dpkgopt=path-exclude=/lib/modules/*/kernel/$left_out/*")
    done
    for left_out in "${vm_hooks_left_out[@]}"; do
        excludes+=("--dpkgopt=path-exclude=/usr/share/initramfs-tools/hooks/$left_out")
    done
    # shellcheck disable=SC2016 # mmdebstrap's shell knows what $1 is.
    bootstrap_debian "$root" "$vm_release" "$vm_packages" "$log" \
        --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"' \
        --essential-hook="copy-in '$vm_scripts/initramfs' /etc/initramfs-tools/conf.d" \
        "${excludes[@]}" \
        --skip=check/empty
    settle_vm_image "$folder" "$root" "$loop"

    mount_at "$root/dev" --bind /dev
    mount_at "$root/proc" -t proc proc
    mount_at "$root/sys" -t sysfs sysfs
    check_vm_modules "$root"
    quietly "$log" chroot "$root" update-initramfs -u
    quietly "$log" chroot "$root" grub-install --target=i386-pc "$loop"
    quietly "$log" chroot "$root" update-grub
    # Without udev, GRUB used the device name of this machine; the virtual machine needs the UUID.
    sed -i "s#root=${loop}p1#root=UUID=$(blkid -s UUID -o value "${loop}p1")#" "$root/boot/grub/grub.cfg"
    quietly "$log" chroot "$root" apt-get clean
    quietly "$log" chroot "$root" apt-get --quiet update
    quietly "$log" chroot "$root" apt-get --quiet --yes --no-install-recommends --download-only install "${vm_offered[@]}"
    keep_headers "$folder" "$root" "$log"
    build_onload_packages "$folder" "$log"
    cp -r "$folder/onload" "$root/srv/openonload"
)

# Fails if a module that the initramfs loads, or a module that it depends on, was left out: depmod says nothing.
check_vm_modules() {
    local root=$1 kernel file module waiting=()
    kernel=$(basename "$root"/boot/vmlinuz-*)
    mapfile -t waiting < <(grep -v '^#' "$root/etc/initramfs-tools/modules")
    while [ ${#waiting[@]} -gt 0 ]; do
        module=${waiting[-1]}
        unset 'waiting[-1]'
        # A file's name may have '-' where the module's name has '_'.
        file=$(find "$root/lib/modules/${kernel#vmlinuz-}" -name "${module//[-_]/[-_]}.ko")
        [ -n "$file" ] || die "the machine's modules need '$module': vm_modules_left_out leaves it out"
        mapfile -t -O ${#waiting[@]} waiting < <(modinfo -F depends "$file" | tr ',' '\n' | grep . || true)
    done
}

# Keeps the headers of the image's kernel, with which modules are built on this machine.
keep_headers() {
    local folder=$1 root=$2 log=$3 kernel
    kernel=$(basename "$root"/boot/vmlinuz-*)
    kernel=${kernel#vmlinuz-}
    echo "$kernel" >"$folder/kernel"
    mkdir -p "$folder/headers" "$root/tmp/headers"
    quietly "$log" chroot "$root" sh -c 'cd /tmp/headers && exec apt-get --quiet download "$@"' sh \
        "linux-headers-$kernel" "linux-headers-${kernel%-*}-common" linux-kbuild-6.1
    mv "$root"/tmp/headers/*.deb "$folder/headers/"
    rmdir "$root/tmp/headers"
}

# Prepares a minimal Debian so that it boots by itself and answers over SSH.
settle_vm_image() {
    local folder=$1 root=$2 partition=${3}p1 home
    ssh-keygen -q -t ed25519 -N '' -C 'muster vm' -f "$folder/key"
    rm -f "$root"/etc/ssh/ssh_host_*
    ssh-keygen -q -t ed25519 -N '' -C root@vm -f "$root/etc/ssh/ssh_host_ed25519_key"
    cp "$root/etc/ssh/ssh_host_ed25519_key.pub" "$folder/host_key.pub"
    chroot "$root" useradd --create-home --shell /bin/sh ops
    echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
    chmod 440 "$root/etc/sudoers.d/ops"
    for home in /root /home/ops; do
        mkdir -p "$root$home/.ssh"
        cp "$folder/key.pub" "$root$home/.ssh/authorized_keys"
        chmod 700 "$root$home/.ssh"
        chmod 600 "$root$home/.ssh/authorized_keys"
    done
    chroot "$root" chown -R ops:ops /home/ops
    printf 'UUID=%s / ext4 errors=remount-ro 0 1\n' "$(blkid -s UUID -o value "$partition")" >"$root/etc/fstab"
    echo vm >"$root/etc/hostname"
    printf '127.0.0.1\tlocalhost\n127.0.1.1\tvm\n' >"$root/etc/hosts"
    : >"$root/etc/machine-id"
    printf '[Match]\nMACAddress=52:54:00:6d:75:01\n[Network]\nDHCP=ipv4\n' \
        >"$root/etc/systemd/network/10-ssh.network"
    # The other cards are up without addresses, so that their drivers' settings can be changed.
    printf '[Match]\nMACAddress=52:54:00:6d:75:02 52:54:00:6d:75:03 52:54:00:6d:75:04\n[Network]\nLinkLocalAddressing=no\n' \
        >"$root/etc/systemd/network/20-feeds.network"
    mkdir -p "$root/etc/default/grub.d"
    # Debian's own files are not changed. Without mitigations the emulation has a third less to do. Without
    # tsc=reliable the kernel rejects the TSC, because the CPUs are emulated in turn.
    printf '%s\n' 'GRUB_TIMEOUT=0' 'GRUB_RECORDFAIL_TIMEOUT=0' 'GRUB_TERMINAL=serial' \
        'GRUB_CMDLINE_LINUX_DEFAULT=""' \
        'GRUB_CMDLINE_LINUX="console=ttyS0 net.ifnames=1 mitigations=off tsc=reliable"' \
        >"$root/etc/default/grub.d/10-vm.cfg"
    printf '%s\n' virtio_pci virtio_blk ext4 sfc >>"$root/etc/initramfs-tools/modules"
    chroot "$root" systemctl enable --quiet systemd-networkd
    chroot "$root" systemctl disable --quiet apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
        fstrim.timer systemd-networkd-wait-online.service
    chroot "$root" systemctl mask --quiet systemd-networkd-wait-online.service
    chroot "$root" systemctl set-default --quiet multi-user.target
}
