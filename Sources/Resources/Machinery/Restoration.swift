import FleetModel

/// One item of the earlier state: how to put it back, and how to check that it is back.
struct Restoration {
    /// The item's name for people: `the rings of ens1f0`, `/etc/modprobe.d/90-muster-tun.conf`.
    let what: String
    /// Whether the item has its earlier state; never writes.
    let isBack: () throws(AgentFault) -> Bool
    /// Puts the item back; a second call changes nothing.
    let putBack: () throws(AgentFault) -> Void

    init(
        _ what: String, isBack: @escaping () throws(AgentFault) -> Bool,
        putBack: @escaping () throws(AgentFault) -> Void
    ) {
        self.what = what
        self.isBack = isBack
        self.putBack = putBack
    }

    /// Puts the item back if needed, and checks it; returns whether anything had to be done.
    ///
    /// Throws if it could not be put back, or if it still differs afterwards.
    func run() throws(AgentFault) -> Bool {
        // If the item cannot be read, it may still be possible to write it.
        if (try? isBack()) == true { return false }
        try putBack()
        guard try isBack() else {
            throw AgentFault(
                "not-put-back", "put back \(what)", cause: "it was written, but still differs")
        }
        return true
    }
}
