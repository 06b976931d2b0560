import Linux

/// The programs of this package as the running tests were built with them.
package enum BuiltProgram {
    /// The folder of the build that this test belongs to.
    package static let folder: String = {
        // The test bundle lies beside the programs.
        let path = (try? LocalMachine().linkTarget("/proc/self/exe")) ?? ""
        let beside = PathName.parent(of: path)
        if (try? LocalMachine().status(beside + "/muster-agent", followLinks: true)) != nil {
            return beside
        }
        return Repository.root + "/.build/debug"
    }()

    package static var agent: String { folder + "/muster-agent" }
    package static var muster: String { folder + "/muster" }
}
