/// The names of users and groups.
package enum AccountName {
    /// Throws if useradd(8) would refuse the name, or if account files would misread it.
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
                attribute, "\"\(name)\" is not a valid user or group name",
                hint: "use up to 32 letters, digits, -, _ and .; begin with a letter or _")
        }
    }

    /// The largest numeric id.
    ///
    /// 4294967295 means "no id" to the kernel, and 4294967294 is a historical id of nobody.
    package static let largestID = 4_294_967_293
}
