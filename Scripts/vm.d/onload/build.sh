# shellcheck shell=bash
# Stand-ins for OpenOnload: modules with its names, and a library, a tool and a control plane, packaged like
# the vendor's. With them, running modules can really differ from those on disk.
# shellcheck disable=SC2154 # What is not assigned here, Scripts/vm assigns.

onload_sources=$vm_scripts/onload

# build_onload_packages FOLDER LOG: builds both packages in two versions, for the kernel named in
# FOLDER/kernel, into FOLDER/onload, as an apt repository.
build_onload_packages() {
    local folder=$1 log=$2
    [ -e "/lib/modules/$(<"$folder/kernel")/build/Makefile" ] ||
        DEBIAN_FRONTEND=noninteractive quietly "$log" apt-get --quiet --yes --no-install-recommends \
            -o DPkg::Lock::Timeout=300 install "$folder"/headers/*.deb
    mkdir -p "$folder/onload"
    build_onload "$folder" "$log" 9.0.2 6.1.0.1009 8f2ab1d73c51dcb5a2e9c4a3f5c3f0aa
    build_onload "$folder" "$log" 9.2.1 6.4.0.1003 1b7de0f7a6ce98ff0f3a5d4bb1e1c2d9
    index_packages "$folder/onload"
}

# build_onload FOLDER LOG VERSION SFC_VERSION INTERFACE: builds both packages into FOLDER/onload.
build_onload() {
    local folder=$1 log=$2 version=$3 kernel work=$1/onload-$3 root name
    kernel=$(<"$folder/kernel")
    mkdir -p "$work/modules"
    for name in sfc sfc_resource sfc_char onload; do
        sed "s/@VERSION@/$version/g; s/@SFC_VERSION@/$4/g; s/@INTERFACE@/$5/g" \
            "$onload_sources/$name.c" >"$work/modules/$name.c"
    done
    echo 'obj-m += sfc.o sfc_resource.o sfc_char.o onload.o' >"$work/modules/Makefile"
    quietly "$log" make -C "/lib/modules/$kernel/build" "M=$work/modules" modules

    root=$work/user
    mkdir -p "$root/DEBIAN" "$root/usr/lib/x86_64-linux-gnu" "$root/sbin" "$root/usr/bin" \
        "$root/etc/sysconfig" "$root/usr/local/lib/modules-load.d" "$root/usr/libexec/onload/profiles"
    sed "s/@VERSION@/$version/g" "$onload_sources/library.c" >"$work/library.c"
    gcc -O2 -shared -fPIC -Wl,-e,banner -o "$root/usr/lib/x86_64-linux-gnu/libonload.so" "$work/library.c"
    gcc -O2 -o "$root/sbin/onload_cp_server" "$onload_sources/onload_cp_server.c"
    install -m 755 "$onload_sources/onload_tool" "$root/sbin/onload_tool"
    printf '#!/bin/sh\nLD_PRELOAD=libonload.so exec "$@"\n' >"$root/usr/bin/onload"
    chmod 755 "$root/usr/bin/onload"
    printf '%s\n' ONLOAD_USER=root ONLOAD_GROUP=root ONLOAD_MODE=666 ONLOAD_CPLANE_USER=onload_cplane \
        >"$root/etc/sysconfig/openonload"
    echo onload >"$root/usr/local/lib/modules-load.d/onload.conf"
    printf '%s\n' 'onload_set EF_POLL_USEC 100000' 'onload_set EF_TCP_FASTSTART_INIT 0' \
        'onload_set EF_TCP_FASTSTART_IDLE 0' >"$root/usr/libexec/onload/profiles/latency.opf"
    write_control "$root" openonload-user "$version-1" 'passwd'
    printf '#!/bin/sh\nset -e\nid onload_cplane >/dev/null 2>&1 || useradd --system onload_cplane\n' \
        >"$root/DEBIAN/postinst"
    chmod 755 "$root/DEBIAN/postinst"
    quietly "$log" dpkg-deb --root-owner-group --build "$root" \
        "$folder/onload/openonload-user_$version-1_amd64.deb"

    root=$work/kernel
    mkdir -p "$root/DEBIAN" "$root/lib/modules/$kernel/extra"
    cp "$work"/modules/*.ko "$root/lib/modules/$kernel/extra/"
    write_control "$root" "openonload-modules-$kernel" "$version-1" 'kmod'
    printf '#!/bin/sh\nset -e\ndepmod -a %s\n' "$kernel" |
        tee "$root/DEBIAN/postinst" >"$root/DEBIAN/postrm"
    chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/postrm"
    quietly "$log" dpkg-deb --root-owner-group --build "$root" \
        "$folder/onload/openonload-modules-${kernel}_$version-1_amd64.deb"
    rm -rf --one-file-system "$work"
}

write_control() {
    printf '%s\n' "Package: $2" "Version: $3" "Architecture: amd64" "Depends: $4" \
        "Maintainer: Muster lab <lab@localhost>" "Section: misc" "Priority: optional" \
        "Description: stand-in for $2, for the lab" >"$1/DEBIAN/control"
}

# index_packages FOLDER: writes the index that apt needs for a flat repository.
index_packages() {
    local file
    for file in "$1"/*.deb; do
        dpkg-deb --field "$file"
        printf '%s\n' "Filename: ./${file##*/}" "Size: $(stat --format %s "$file")" \
            "SHA256: $(sha256sum "$file" | cut -d' ' -f1)" ''
    done >"$1/Packages"
}
