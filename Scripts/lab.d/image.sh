# shellcheck shell=bash
# The root file system that all hosts of a lab share, below their own overlays. It is made once, kept in
# LAB_DIR/image, and made again when the scripts that make it change.
# shellcheck disable=SC2154 # What is not assigned here, Scripts/lab assigns.

image_release=bookworm
image_packages=systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,sudo,iproute2,procps

# ensure_image FLAVOUR: sets `image` to the root of that flavour (base or python), and makes it if missing.
ensure_image() {
    local flavour=$1 packages=$image_packages key partial
    [ "$flavour" = base ] || packages=$packages,python3
    key=$(cat "$lab_scripts"/{image,packages}.sh | sha256sum | cut -c1-12)
    image=$lab_dir/image/$image_release-$flavour-$key
    [ ! -d "$image" ] || return 0

    mkdir -p "$lab_dir/image"
    exec {image_lock}>"$lab_dir/image/lock"
    flock "$image_lock"
    if [ ! -d "$image" ]; then
        partial=$image.partial
        note "making the root file system $image (once; a minute or two)"
        rm -rf --one-file-system "$partial"
        mkdir -p "$partial"
        make_image "$partial" "$packages"
        remove_old_images "$flavour"
        mv "$partial" "$image"
    fi
    exec {image_lock}>&-
}

make_image() {
    local root=$1 packages=$2
    bootstrap_debian "$root" "$image_release" "$packages" "$root.log"
    quietly "$root.log" build_packages "$root/srv"
    settle_image "$root"
    rm -f "$root.log"
}

# Prepares a minimal Debian so that many hosts can share it: nothing in it belongs to one host, and nothing
# in it uses a network.
settle_image() {
    local root=$1
    rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/apt/sources.list" "$root/var/lib/dbus/machine-id"
    : >"$root/etc/machine-id"
    : >"$root/etc/resolv.conf"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* \
        "$root"/usr/share/{doc,man,locale,info}/*
    printf '%s\n' 'Types: deb' 'URIs: file:/srv/muster-packages' 'Suites: ./' \
        'Signed-By: /srv/muster-packages/key.asc' >"$root/etc/apt/sources.list.d/muster-packages.sources"
    quietly "$root.log" chroot "$root" apt-get update

    # Without a network these only fail, and hold apt's lock until then.
    quietly "$root.log" chroot "$root" systemctl disable apt-daily.timer apt-daily-upgrade.timer
    quietly "$root.log" chroot "$root" systemctl mask console-getty.service
    quietly "$root.log" chroot "$root" systemctl set-default multi-user.target

    quietly "$root.log" chroot "$root" useradd --create-home --shell /bin/sh ops
    quietly "$root.log" chroot "$root" useradd --create-home --shell /bin/sh nosudo
    echo 'ops ALL=(ALL:ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
    chmod 440 "$root/etc/sudoers.d/ops"
}

# Removes the images of the flavour that no lab uses.
remove_old_images() {
    local old
    for old in "$lab_dir/image/$image_release-$1"-*; do
        if [ -d "$old" ] && [[ $old != *.partial ]] && ! grep --quiet --fixed-strings --line-regexp "$old" "$lab_dir"/run/*/image 2>/dev/null; then
            rm -rf --one-file-system "$old"
        fi
    done
}
