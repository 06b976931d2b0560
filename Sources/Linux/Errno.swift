import Glibc

/// A failed system call: which one, on what, and the kernel's answer.
package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The call, as its man page names it: `open`, `rename`.
    package let call: String
    /// What it was called on: a path, a process, a descriptor's meaning.
    package let object: String
    /// The error number, positive.
    package let code: Int32

    package init(call: String, object: String, code: Int32) {
        self.call = call
        self.object = object
        self.code = code
    }

    /// The kernel's words for the error: `No such file or directory`.
    package var reason: String { SystemError.text(of: code) }

    package var description: String { "\(call) \(object): \(reason)" }

    /// What to do about it; nil if the error code alone does not tell.
    package var hint: String? {
        switch code {
        case ENOSPC: "free space on the file system that holds \(object)"
        case EDQUOT: "the disk quota is used up; free space or raise the quota"
        case EROFS: "the file system is mounted read-only; remount it or choose another path"
        case EACCES, EPERM: "run as a user that may do this, or correct the permissions"
        case EMFILE, ENFILE: "raise the limit on open files (ulimit -n)"
        default: nil
        }
    }

    package var isNotFound: Bool { code == ENOENT || code == ENOTDIR }

    /// Whether the operation does not exist here: the driver lacks it, or the kernel is older.
    package var isUnsupported: Bool { code == EOPNOTSUPP || code == ENOSYS }

    /// The text of an error number, without glibc's locale lookups.
    package static func text(of code: Int32) -> String {
        guard let text = strerror(code) else { return "error \(code)" }
        return String(cString: text)
    }
}

/// Throws the errno of a call that answered -1.
@discardableResult
package func check<T: SignedInteger>(
    _ result: T, _ call: String, _ object: @autoclosure () -> String
) throws(SystemError) -> T {
    if result == -1 { throw SystemError(call: call, object: object(), code: errno) }
    return result
}

/// Throws the error of a CLinux function, which answers -errno.
@discardableResult
package func checkNegated<T: SignedInteger>(
    _ result: T, _ call: String, _ object: @autoclosure () -> String
) throws(SystemError) -> T {
    if result < 0 {
        throw SystemError(call: call, object: object(), code: Int32(clamping: -Int64(result)))
    }
    return result
}
