import Kinds
import Linux
import Wire

/// Installed packages and their versions: from dpkg's own file, or by rpm where there is none.
///
/// A host with dpkg counts as Debian even if rpm is installed on it as a tool, as for the kind
/// `package`.
enum PackageFacts {
    private static let status = "/var/lib/dpkg/status"
    private static let rpm = "/usr/bin/rpm"

    /// `{"bash": "5.2.15-2+b7"}`; an rpm version has its epoch, unless that is 0.
    static func read(_ probe: inout Probe) -> JSON {
        do throws(SystemError) {
            if let text = try probe.machine.textIfPresent(status, limit: 256 << 20) {
                return dpkg(text)
            }
            guard try probe.machine.statusIfPresent(rpm, followLinks: true) != nil else {
                return probe.fail("packages", "there is neither \(status) nor \(rpm)")
            }
            return rpm(
                // An epoch of 0 and none are the same to rpm.
                try probe.machine.run(
                    ProgramCall(
                        rpm,
                        [
                            "-qa", "--qf",
                            "%{NAME}\\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\\n",
                        ])), &probe)
        } catch {
            return probe.fail("packages", error.description)
        }
    }

    private static func dpkg(_ text: String) -> JSON {
        var packages: [String: JSON] = [:]
        var name: Substring?
        var version: Substring?
        var isInstalled = false
        for line: Substring in text.lines + [""] {
            if line.isEmpty {
                if let name, let version, isInstalled {
                    packages[String(name)] = .string(String(version))
                }
                (name, version, isInstalled) = (nil, nil, false)
            } else if line.hasPrefix("Package: ") {
                name = line.dropFirst(9)
            } else if line.hasPrefix("Version: ") {
                version = line.dropFirst(9)
            } else if line.hasPrefix("Status: ") {
                isInstalled = line.hasSuffix(" installed")
            }
        }
        return .object(packages)
    }

    /// The packages that rpm lists; where there are several versions, as of the kernel, the newest.
    private static func rpm(_ result: ProgramResult, _ probe: inout Probe) -> JSON {
        var versions: [String: String] = [:]
        for line in result.outputText.filledLines {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            // rpm lists the keys of repositories among the packages.
            guard fields.count == 2, fields[0] != "gpg-pubkey" else { continue }
            let version = String(fields[1].hasPrefix("0:") ? fields[1].dropFirst(2) : fields[1])
            let name = String(fields[0])
            if let other = versions[name], RPMVersion.compare(other, version) >= 0 { continue }
            versions[name] = version
        }
        // rpm treats a database that it cannot read as empty; only the error output says so.
        guard result.succeeded, result.errorOutput.isEmpty, !versions.isEmpty else {
            let said = result.errorText.filledLines.prefix(4)
            return probe.fail(
                "packages",
                "rpm -qa \(result.endText): "
                    + (said.isEmpty ? "it names no package" : said.joined(separator: "; ")))
        }
        return .object(versions.mapValues { .string($0) })
    }
}
