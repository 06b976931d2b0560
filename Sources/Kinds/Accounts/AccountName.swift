/// The names of users and groups.
package enum AccountName {
    /// Throws where useradd(8) would not take the name, or a file would read it as something else.
    package static func check(_ name: String, _ attribute: String?) throws(AttributeFault) {
        let isPlain = name.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case 97...122, 65...90, 95: true
            case 48...57, 45, 46: index > 0
            case 36: index > 0 && index == name.utf8.count - 1
            default: false
            }
        }
        guard isPlain, (1...32).contains(name.utf8.count) else {
            throw AttributeFault(
                attribute, "\"\(name)\" is not a name of a user or group",
                hint: "up to 32 letters, digits, - _ and ., and no digit first")
        }
    }

    /// The most a numeric id can be; the two above it mean "none" to the kernel.
    package static let largestID = 4_294_967_293
}
