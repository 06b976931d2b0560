import Kinds
import Linux

/// The file in /etc/default/grub.d for one set of parameters.
///
/// It is shell code that grub-mkconfig reads: it removes the set's keys from the variables that
/// earlier files set, and appends the set's parameters. Two comments in it record the set.
enum GrubDropIn {
    static func path(_ name: String) -> String { "/etc/default/grub.d/90-muster-\(name).cfg" }

    private static let wantedMark = "# parameters: "
    private static let unwantedMark = "# without: "

    static func text(
        _ name: String, _ wanted: [KernelParameter], _ unwanted: [KernelParameter]
    ) -> String {
        func list(_ parameters: [KernelParameter]) -> String {
            parameters.map(\.text).joined(separator: " ")
        }
        let patterns = patterns(wanted, unwanted)
        let added = wanted.map { shellText(GrubText.escape($0.text)) }.joined(separator: " ")
        return """
            # Kernel parameters declared to muster as \(name); muster-agent puts this file back.
            \(wantedMark)\(list(wanted))
            \(unwantedMark)\(list(unwanted))
            muster_without() {
            	(
            		set -f
            		for muster_word in $1; do
            			case "$muster_word" in
            			\(patterns.isEmpty ? "''" : patterns.joined(separator: " | "))) ;;
            			*) printf '%s ' "$muster_word" ;;
            			esac
            		done
            	)
            }
            GRUB_CMDLINE_LINUX="$(muster_without "$GRUB_CMDLINE_LINUX")"
            GRUB_CMDLINE_LINUX_DEFAULT="$(muster_without "$GRUB_CMDLINE_LINUX_DEFAULT")\(added)"

            """
    }

    /// The parameters that the file records as put in place by the set.
    static func recorded(_ text: String) -> [KernelParameter] {
        let line = text.filledLines.first { $0.hasPrefix(wantedMark) } ?? ""
        return KernelParameter.split(String(line.dropFirst(wantedMark.count)))
    }

    /// The text of another set without the subjects that our set takes over; nil if it has none.
    static func yielding(
        _ text: String, _ name: String, to subjects: Set<String>
    ) -> String? {
        func list(_ mark: String) -> [KernelParameter] {
            let line = text.filledLines.first { $0.hasPrefix(mark) } ?? ""
            return KernelParameter.split(String(line.dropFirst(mark.count)))
        }
        let wanted = list(wantedMark)
        let unwanted = list(unwantedMark)
        let keptWanted = wanted.filter { !subjects.contains($0.subject) }
        let keptUnwanted = unwanted.filter { !subjects.contains($0.subject) }
        if keptWanted.count == wanted.count, keptUnwanted.count == unwanted.count { return nil }
        return self.text(name, keptWanted, keptUnwanted)
    }

    /// Escapes a text for use between double quotes in a shell.
    private static func shellText(_ text: String) -> String {
        String(text.flatMap { "$`\"\\".contains($0) ? ["\\", $0] : [$0] })
    }

    private static func patterns(
        _ wanted: [KernelParameter], _ unwanted: [KernelParameter]
    ) -> [String] {
        var all: [String] = []
        func add(_ pattern: String) { if !all.contains(pattern) { all.append(pattern) } }
        func add(key: String) {
            // The kernel treats - and _ in keys as equal.
            let spelt = key.split(separator: "_", omittingEmptySubsequences: false)
                .map { "'\($0)'" }.joined(separator: "[-_]")
            add(spelt)
            add("\(spelt)'='*")
        }
        for parameter in wanted {
            if parameter.isRepeatable {
                add("'\(GrubText.escape(parameter.text))'")
            } else if KernelParameter.hugepageKeys.contains(parameter.key) {
                for key in KernelParameter.hugepageKeys.sorted() { add(key: key) }
            } else {
                add(key: parameter.key)
            }
        }
        for parameter in unwanted {
            if parameter.value == nil {
                add(key: parameter.key)
            } else {
                add("'\(GrubText.escape(parameter.text))'")
            }
        }
        return all
    }
}
