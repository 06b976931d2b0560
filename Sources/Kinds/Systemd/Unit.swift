import FleetModel
import Wire

/// A declared `unit`: a unit file in /etc/systemd/system, or a drop-in of a unit.
package struct UnitDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .unit, "A systemd unit file or a drop-in of a unit, loaded by systemd.",
        traits: KindTraits(
            changes: .claims, reads: .claims, names: .exact, remains: .listed, rivals: []),
        nameType: .string,
        nameSummary:
            "The unit with its type, `feed-handler.service`; or a drop-in of it by its path"
            + " in /etc/systemd/system, `feed-handler.service.d/cpus.conf`.",
        attributes: [
            AttributeSchema(
                "drop_in", .string,
                "Makes it a drop-in of the unit: the file `NAME.d/DROP_IN`, which ends in `.conf`."
                    + " Equal to writing that path as the name."),
            AttributeSchema(
                "content", .string, resolvedByController: true, "The text of the file."),
            AttributeSchema(
                "template", .string, resolvedByController: true,
                "A template of the role that is rendered to the text."),
            AttributeSchema(
                "source", .string, resolvedByController: true,
                "A file of the role, copied unchanged."
            ),
            AttributeSchema("mode", .mode, default: "0644", "The permission bits."),
            AttributeSchema(
                "verify", .boolean, default: true,
                "Whether `systemd-analyze verify` must accept the file before it is installed."),
        ],
        notes: [
            "systemd reads a unit file when it loads the unit. A file that was changed later, by"
                + " anyone, is"
                + " detected and corrected by a daemon-reload. This does not restart the running"
                + " unit:"
                + " notify a handler.",
            "`absent` removes the file or drop-in and reloads systemd; a running unit keeps"
                + " running,"
                + " so declare its service stopped too.",
            "Whether it runs and starts at boot is declared by `service`.",
        ],
        example: """
            - unit: feed-handler.service.d/cpus.conf
              content: |
                [Service]
                CPUAffinity=2-5
            """)

    /// The directory of the administrator's unit files.
    package static let directory = "/etc/systemd/system"

    /// The unit's full name.
    package let name: String
    /// The drop-in's file name; nil for the unit file itself.
    package let dropIn: String?
    package let isAbsent: Bool
    /// The content of the file; nil only for state: absent.
    package let content: ResolvedContent?
    package let mode: UInt32
    package let verifies: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        let given = try reader.optionalString("drop_in")
        let parts = Self.parts(name)
        if given != nil, parts.dropIn != nil {
            throw AttributeFault("drop_in", "the name is already that of a drop-in")
        }
        let name = parts.unit
        let dropIn = given ?? parts.dropIn
        try UnitName.check(name)
        guard UnitName.hasType(name) else {
            throw AttributeFault(
                nil, "unit \"\(name)\" has no type", hint: "write \(name).service")
        }
        self.name = name
        self.dropIn = dropIn
        isAbsent = try reader.state(of: Self.schema) == "absent"
        content = try ResolvedContent(reader)
        mode = try reader.optionalMode("mode") ?? 0o644
        verifies = try reader.bool("verify", default: true)
        if let dropIn {
            guard dropIn.hasSuffix(".conf"), dropIn != ".conf", !dropIn.contains("/"),
                !dropIn.hasPrefix(".")
            else {
                throw AttributeFault(
                    "drop_in", "drop_in \"\(dropIn)\" is not a file name that ends in .conf",
                    hint: "systemd reads only *.conf files in \(name).d")
            }
        }
        if !isAbsent, content == nil {
            throw AttributeFault(
                nil, "unit \(name) has no content", hint: "give content, template or source")
        }
    }

    /// `a.service.d/b.conf` is the drop-in `b.conf` of `a.service`.
    private static func parts(_ name: String) -> (unit: String, dropIn: String?) {
        guard let slash = name.firstIndex(of: "/"), name[..<slash].hasSuffix(".d") else {
            return (name, nil)
        }
        return (String(name[..<slash].dropLast(2)), String(name[name.index(after: slash)...]))
    }

    /// The directory of the unit's drop-ins.
    package var dropInDirectory: String { "\(Self.directory)/\(name).d" }

    /// The path of the managed file.
    package var path: String {
        dropIn.map { "\(dropInDirectory)/\($0)" } ?? "\(Self.directory)/\(name)"
    }

    package var owns: [Claim] { dropIn == nil ? [.unit(name), .path(path)] : [.path(path)] }

    /// A drop-in also provides the unit, so that the service is ordered after it.
    package var provides: [Claim] { dropIn == nil ? [] : [.unit(name)] }

    package var needs: [Claim] {
        (dropIn == nil ? [] : [.package(UnitName.stem(name))]) + Claim.directories(above: path)
    }
}
