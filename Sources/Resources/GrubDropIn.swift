import Kinds

/// Our file of /etc/default/grub.d for one set of parameters.
///
/// A piece of shell, as grub-mkconfig reads it: it takes our keys out of what others set and adds
/// ours. Two comments in it remember what the set put in place.
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
            			\(patterns(wanted, unwanted).joined(separator: " | "))) ;;
            			*) printf '%s ' "$muster_word" ;;
            			esac
            		done
            	)
            }
            GRUB_CMDLINE_LINUX="$(muster_without "$GRUB_CMDLINE_LINUX")"
            GRUB_CMDLINE_LINUX_DEFAULT="$(muster_without "$GRUB_CMDLINE_LINUX_DEFAULT")\(added)"

            """
    }

    /// What the set put in place, as its file remembers it.
    static func recorded(_ text: String) -> [KernelParameter] {
        let line = text.split(separator: "\n").first { $0.hasPrefix(wantedMark) } ?? ""
        return KernelParameter.split(String(line.dropFirst(wantedMark.count)))
    }

    /// Between double quotes of a shell.
    private static func shellText(_ text: String) -> String {
        String(text.flatMap { "$`\"\\".contains($0) ? ["\\", $0] : [$0] })
    }

    private static func patterns(
        _ wanted: [KernelParameter], _ unwanted: [KernelParameter]
    ) -> [String] {
        var all: [String] = []
        func add(_ pattern: String) { if !all.contains(pattern) { all.append(pattern) } }
        func add(key: String) {
            // The kernel takes - and _ for the same.
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
