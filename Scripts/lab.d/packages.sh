# shellcheck shell=bash
# Small packages and apt repositories of them, to test package kinds without a network.

# build_demo_service DIRECTORY VERSION: a package with a service, a program and a conffile.
build_demo_service() {
    local root=$1/muster-demo version=$2
    rm -rf "$root"
    mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/etc" "$root/lib/systemd/system"
    cat >"$root/DEBIAN/control" <<END
Package: muster-demo
Version: $version
Architecture: all
Maintainer: Muster lab <lab@localhost>
Section: misc
Priority: optional
Description: service of the lab that runs and does nothing
END
    echo /etc/muster-demo.conf >"$root/DEBIAN/conffiles"
    echo "greeting=hello" >"$root/etc/muster-demo.conf"
    cat >"$root/usr/bin/muster-demo" <<END
#!/bin/sh
[ "\${1:-}" != --version ] || { echo "muster-demo $version"; exit 0; }
echo "muster-demo $version: \$(cat /etc/muster-demo.conf)"
exec sleep infinity
END
    chmod 755 "$root/usr/bin/muster-demo"
    cat >"$root/lib/systemd/system/muster-demo.service" <<'END'
[Unit]
Description=Demo service of the lab

[Service]
ExecStart=/usr/bin/muster-demo

[Install]
WantedBy=multi-user.target
END
    # As debhelper does: enabled and started on the first installation, restarted on an upgrade.
    cat >"$root/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
deb-systemd-helper unmask muster-demo.service >/dev/null || true
if deb-systemd-helper --quiet was-enabled muster-demo.service; then
    deb-systemd-helper enable muster-demo.service >/dev/null || true
else
    deb-systemd-helper update-state muster-demo.service >/dev/null || true
fi
if [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    if [ -n "$2" ]; then action=restart; else action=start; fi
    deb-systemd-invoke "$action" muster-demo.service >/dev/null || true
fi
END
    cat >"$root/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    deb-systemd-invoke stop muster-demo.service >/dev/null || true
fi
END
    cat >"$root/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
fi
if [ "$1" = purge ] && command -v deb-systemd-helper >/dev/null; then
    deb-systemd-helper purge muster-demo.service >/dev/null || true
fi
END
    chmod 755 "$root"/DEBIAN/{postinst,prerm,postrm}
    build_package "$1" "$root" "muster-demo_${version}_all.deb"
}

# build_program DIRECTORY NAME VERSION: a package with only a program that prints its version.
build_program() {
    local root=$1/$2
    rm -rf "$root"
    mkdir -p "$root/DEBIAN" "$root/usr/bin"
    cat >"$root/DEBIAN/control" <<END
Package: $2
Version: $3
Architecture: all
Maintainer: Muster lab <lab@localhost>
Section: misc
Priority: optional
Description: program of the lab that says its version
END
    printf '#!/bin/sh\necho "%s %s"\n' "$2" "$3" >"$root/usr/bin/$2"
    chmod 755 "$root/usr/bin/$2"
    build_package "$1" "$root" "$2_$3_all.deb"
}

# The same tree gives the same bytes on every day, so a test can refer to a package by its digest.
build_package() {
    SOURCE_DATE_EPOCH=1735689600 dpkg-deb --root-owner-group -Zxz --build "$2" "$1/$3" >/dev/null
    rm -rf "$2"
}

# index_packages DIRECTORY: writes the index of a flat repository.
index_packages() {
    local package
    for package in "$1"/*.deb; do
        dpkg-deb --field "$package"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "${package##*/}" \
            "$(stat --format=%s "$package")" "$(sha256sum "$package" | cut -d' ' -f1)"
    done >"$1/Packages"
    printf 'Origin: Muster lab\nLabel: %s\nSuite: lab\nArchitectures: all amd64\nDate: %s\nSHA256:\n %s %s Packages\n' \
        "${1##*/}" "$(LC_ALL=C date --utc '+%a, %d %b %Y %H:%M:%S UTC')" \
        "$(sha256sum "$1/Packages" | cut -d' ' -f1)" "$(stat --format=%s "$1/Packages")" >"$1/Release"
}

# sign_packages DIRECTORY: signs with a key made for this repository; its public half is key.asc in it.
sign_packages() {
    local home
    home=$(mktemp --directory)
    local gpg=(gpg --homedir "$home" --batch --quiet --yes --passphrase '')
    "${gpg[@]}" --quick-generate-key "Muster lab ${1##*/} <lab@localhost>" ed25519 sign never
    "${gpg[@]}" --armor --output "$1/key.asc" --export
    "${gpg[@]}" --output "$1/InRelease" --clear-sign "$1/Release"
    gpgconf --homedir "$home" --kill all
    rm -rf "$home"
}

# build_packages DIRECTORY: makes the repositories of every host: DIRECTORY/muster-packages, which is a
# source of its apt from the start, and DIRECTORY/muster-extra, which is not.
build_packages() {
    mkdir -p "$1/muster-packages" "$1/muster-extra"
    build_demo_service "$1/muster-packages" 1.0-1
    build_demo_service "$1/muster-packages" 1.1-1
    build_program "$1/muster-packages" muster-demo-tool 2.0
    build_program "$1/muster-extra" muster-extra 3.0
    local packages
    for packages in "$1/muster-packages" "$1/muster-extra"; do
        index_packages "$packages"
        sign_packages "$packages"
    done
}
