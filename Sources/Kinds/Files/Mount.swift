import FleetModel
import Wire

/// A declared `mount`: a file system at a path, now and at boot.
package struct MountDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .mount, "A file system mounted at a path, now and at boot.",
        traits: KindTraits(
            changes: .claims, reads: .units, names: .path, remains: .listed, rivals: []),
        nameType: .path, nameSummary: "The mount point: /dev/hugepages1G, /data.",
        states: ["mounted", "absent"],
        attributes: [
            AttributeSchema(
                "device", .string,
                "The device or source: /dev/disk/by-uuid/…, hugetlbfs, nfs1:/export. Required"
                    + " unless "
                    + "state is absent."),
            AttributeSchema(
                "fstype", .string,
                "The type: xfs, ext4, hugetlbfs, nfs. Required unless state is absent."),
            AttributeSchema(
                "options", .list(.string), default: .array([]),
                "Mount options, see mount(8): [noatime, pagesize=1G]."),
        ],
        notes: [
            "The mount is a systemd unit, /etc/systemd/system/NAME.mount; a missing mount point is "
                + "created. A line in /etc/fstab for the same path is a fault: remove one of the"
                + " two.",
            "Changed options are applied by a remount. Another device is unmounted and mounted"
                + " again, "
                + "which counts as service_restart and fails while the mount is in use. Sizes in "
                + "options are compared as numbers. Source: systemd.mount(5).",
        ],
        example: """
            - mount: /dev/hugepages1G
              device: hugetlbfs
              fstype: hugetlbfs
              options: [pagesize=1G]
            """)

    package let path: String
    package let isMounted: Bool
    package let device: String
    package let type: String
    package let options: [String]

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        guard name.hasPrefix("/"), name != "/", !name.utf8.contains(10) else {
            throw AttributeFault(nil, "\(ScalarText.shown(name)) is not a valid mount point")
        }
        let reader = AttributeReader(attributes)
        path = name
        isMounted = try reader.state(of: Self.schema) == "mounted"
        options = try reader.optionalStrings("options") ?? []
        for option in options
        where option.isEmpty || option.contains(where: { $0 == "," || $0.isWhitespace }) {
            throw AttributeFault(
                "options", "\(ScalarText.shown(option)) is not one option",
                hint: "write each option as a separate list element")
        }
        guard isMounted else {
            device = ""
            type = ""
            return
        }
        device = try reader.string("device")
        type = try reader.string("fstype")
        if (device + type).contains(where: \.isWhitespace) || device.isEmpty || type.isEmpty {
            throw AttributeFault("device", "device and fstype must be words without white space")
        }
    }

    /// The name of the unit: the path as escaped by systemd (systemd-escape(1)).
    package var unit: String {
        var name = ""
        for (index, byte) in path.dropFirst().utf8.enumerated() {
            switch byte {
            case UInt8(ascii: "/"): name += "-"
            case UInt8(ascii: ".") where index == 0: name += "\\x2e"
            case 48...57, 65...90, 97...122, UInt8(ascii: ":"), UInt8(ascii: "_"),
                UInt8(ascii: "."):
                name += String(UnicodeScalar(byte))
            default: name += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return name + ".mount"
    }

    package var unitFile: String { "/etc/systemd/system/\(unit)" }

    package var owns: [Claim] { [.knobs("the mount at \(path)"), .unit(unit), .path(unitFile)] }
}
