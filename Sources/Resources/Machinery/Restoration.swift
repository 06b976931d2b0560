import FleetModel

/// One thing that was there before a change: how to put it back, and how to see that it is there.
struct Restoration {
    /// What it is, for people: `the rings of ens1f0`, `/etc/modprobe.d/90-muster-tun.conf`.
    let what: String
    /// Whether it is there as it was; never writes.
    let isBack: () throws(AgentFault) -> Bool
    /// Puts it back; doing so twice changes nothing more.
    let putBack: () throws(AgentFault) -> Void

    init(
        _ what: String, isBack: @escaping () throws(AgentFault) -> Bool,
        putBack: @escaping () throws(AgentFault) -> Void
    ) {
        self.what = what
        self.isBack = isBack
        self.putBack = putBack
    }

    /// Puts it back where it is not there, and reads it again; whether anything had to be done.
    ///
    /// Throws where it could not be put back, or reads otherwise afterwards.
    func run() throws(AgentFault) -> Bool {
        // What cannot be read now may still be written.
        if (try? isBack()) == true { return false }
        try putBack()
        guard try isBack() else {
            throw AgentFault(
                "not-put-back", "put back \(what)", cause: "it was written, and reads otherwise")
        }
        return true
    }
}
