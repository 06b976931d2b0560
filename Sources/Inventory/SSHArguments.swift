/// The arguments for `ssh` from an inventory, as options of ssh_config.
package struct SSHArguments: Sendable, Equatable {
    /// One setting, as `-o Name=value` or a flag gives it.
    package struct Option: Sendable, Equatable {
        package let name: String
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The words as written.
    package private(set) var words: [String] = []
    /// The settings in their order; as in ssh, the first one of a name wins.
    package private(set) var options: [Option] = []
    /// The file that replaces ssh's own configuration (`-F`).
    package private(set) var configurationFile: String?
    /// Words that are not a known argument.
    package private(set) var unknown: [String] = []

    package init() {}

    /// Flags that take a value, with the option that each one sets.
    private static let valued: [Character: String] = [
        "J": "ProxyJump", "i": "IdentityFile", "p": "Port", "l": "User", "b": "BindAddress",
        "c": "Ciphers", "m": "MACs", "S": "ControlPath", "B": "BindInterface",
    ]
    /// Flags without a value, with the setting of each one; nil if it only changes logging.
    private static let bare: [Character: Option?] = [
        "4": Option(name: "AddressFamily", value: "inet"),
        "6": Option(name: "AddressFamily", value: "inet6"),
        "C": Option(name: "Compression", value: "yes"),
        "A": Option(name: "ForwardAgent", value: "yes"),
        "a": Option(name: "ForwardAgent", value: "no"),
        "x": Option(name: "ForwardX11", value: "no"),
        "T": Option(name: "RequestTTY", value: "no"),
        "q": nil, "v": nil,
    ]

    /// Adds the words of one variable.
    package mutating func add(_ added: [String]) {
        words += added
        var rest = added[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word.count > 1 else {
                unknown.append(word)
                continue
            }
            var flags = word.dropFirst()
            while let flag = flags.popFirst() {
                if let bare = Self.bare[flag] {
                    if let option = bare { options.append(option) }
                    continue
                }
                let isValued = Self.valued[flag] != nil || flag == "o" || flag == "F"
                guard isValued, let value = flags.isEmpty ? rest.popFirst() : String(flags) else {
                    unknown.append(word)
                    break
                }
                flags = ""
                take(flag, value, word)
            }
        }
    }

    private mutating func take(_ flag: Character, _ value: String, _ word: String) {
        if let name = Self.valued[flag] {
            options.append(Option(name: name, value: value))
        } else if flag == "F" {
            configurationFile = value
        } else if let end = value.firstIndex(where: { "= \t".contains($0) }) {
            let content = value[end...].drop { "= \t".contains($0) }
            options.append(Option(name: String(value[..<end]), value: String(content)))
        } else {
            unknown.append("\(word) \(value)")
        }
    }

    /// The value of a setting, by its name in any case.
    package func value(_ name: String) -> String? {
        options.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
