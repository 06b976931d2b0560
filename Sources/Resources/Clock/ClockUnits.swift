import FleetModel
import Kinds
import Linux

/// The units that steer the system clock on a host: the declared ones, and their rivals.
struct ClockUnits {
    /// The declared units, by systemd's primary names.
    let own: [String]
    let rivals: [String]
    /// Own, allowed and rival units: a clock process of none of these is a stranger.
    let known: Set<String>

    init(_ declaration: PTPDeclaration, on machine: any Machine) throws(AgentFault) {
        let steering = PTPDeclaration.steeringUnits
        let names =
            declaration.units + declaration.allowed + steering.filter { !$0.contains("*") }
        let statuses = try UnitStatus.show(names, on: machine)
        let instances = try UnitStatus.show(
            matching: steering.filter { $0.contains("*") }, on: machine)
        var own = Array(statuses.prefix(declaration.units.count))
        if declaration.takesEither {
            // One may be an alias of the other, or missing. If both are missing, the first is used.
            own = Array((own.filter(\.isFound) + own).prefix(1))
        }
        self.own = own.map(\.id)
        let allowed = statuses.dropFirst(declaration.units.count).prefix(
            declaration.allowed.count
        ).map(\.id)
        var rivals: [String] = []
        for status in statuses + instances
        where status.isFound && !self.own.contains(status.id) && !allowed.contains(status.id)
            && !rivals.contains(status.id)
        {
            rivals.append(status.id)
        }
        self.rivals = rivals
        known = Set(self.own + allowed + rivals)
    }
}
