import FleetModel
import Wire

/// A declared `unit`: a unit file in /etc/systemd/system, or a drop-in of a unit.
package struct UnitDeclaration: ResourceDeclaration {
    package static let schema = KindSchema(
        .unit, "A systemd unit file, or a drop-in of a unit, and that systemd has loaded it.",
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
                    + " The same as to name it so."),
            AttributeSchema(
                "content", .string, resolvedByController: true, "The text of the file."),
            AttributeSchema(
                "template", .string, resolvedByController: true,
                "A template of the role that gives the text."),
            AttributeSchema(
                "source", .string, resolvedByController: true, "A file of the role, taken as it is."
            ),
            AttributeSchema("mode", .mode, default: "0644", "Its permission bits."),
            AttributeSchema(
                "verify", .boolean, default: true,
                "Whether `systemd-analyze verify` must accept it before it is put in place."),
        ],
        notes: [
            "Systemd reads a unit file when it loads the unit: a file that changed since is found and"
                + " mended by a daemon-reload, whoever changed it. What runs is not restarted by that;"
                + " notify a handler.",
            "`absent` removes the file or drop-in and reloads; a unit that still runs goes on running,"
                + " so declare its service stopped as well.",
            "Whether it runs and starts at boot is declared by `service`.",
        ],
        example: """
            - unit: feed-handler.service.d/cpus.conf
              content: |
                [Service]
                CPUAffinity=2-5
            """)

    /// Where unit files of the administrator lie.
    package static let directory = "/etc/systemd/system"

    /// The unit's full name.
    package let name: String
    /// The drop-in's file name; nil for the unit file itself.
    package let dropIn: String?
    package let isAbsent: Bool
    /// What the file is to hold; nil only where it is absent.
    package let content: ResolvedContent?
    package let mode: UInt32
    package let verifies: Bool

    package init(name: String, attributes: [String: JSON]) throws(AttributeFault) {
        let reader = AttributeReader(attributes)
        let given = try reader.optionalString("drop_in")
        let parts = Self.parts(name)
        if given != nil, parts.dropIn != nil {
            throw AttributeFault("drop_in", "the name is that of a drop-in already")
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
                    hint: "systemd reads only *.conf of \(name).d")
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

    /// The file it manages.
    package var path: String {
        dropIn.map { "\(dropInDirectory)/\($0)" } ?? "\(Self.directory)/\(name)"
    }

    package var owns: [Claim] { dropIn == nil ? [.unit(name), .path(path)] : [.path(path)] }

    /// A service waits for the drop-ins of its unit too.
    package var provides: [Claim] { dropIn == nil ? [] : [.unit(name)] }

    package var needs: [Claim] {
        (dropIn == nil ? [] : [.package(UnitName.stem(name))]) + Claim.directories(above: path)
    }
}
