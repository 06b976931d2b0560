import Kinds
import Linux
import Testing
import Wire

@testable import Resources

/// What may be declared of a card is what its driver can be told.
@Suite struct NICNamesTests {
    @Test func everyNameHasItsPlaceInTheKernelsStructure() {
        let coalescing = NICNames.coalescing + NICNames.coalescingFlags
        for (names, table) in [
            (NICNames.rings, LinkTable.rings), (NICNames.channels, LinkTable.channels),
            (NICNames.pause, LinkTable.pause), (coalescing, LinkTable.coalescing),
        ] {
            #expect(names.sorted() == table.fields.map(\.name).sorted())
        }
        let flags = LinkTable.coalescing.fields.filter(\.isFlag).map(\.name)
        #expect(flags == NICNames.coalescingFlags)
        #expect(NICNames.receiveFilters == LinkTimestamps.filters)
    }

    /// Names of systemd.link(5), version 250.
    @Test func everyCoalescingIsSaidInALinkFile() throws {
        var values = Dictionary(
            uniqueKeysWithValues: NICNames.coalescing.map { ($0, JSON.integer(7)) })
        for flag in NICNames.coalescingFlags { values[flag] = true }
        let lines = NICLinkFile.lines(
            try NICDeclaration(name: "ens1", attributes: ["coalescing": .object(values)]))
        #expect(
            lines == [
                "UseAdaptiveRxCoalesce=yes", "UseAdaptiveTxCoalesce=yes",
                "CoalescePacketRateHigh=7", "CoalescePacketRateLow=7", "RxMaxCoalescedFrames=7",
                "RxMaxCoalescedHighFrames=7", "RxMaxCoalescedIrqFrames=7",
                "RxMaxCoalescedLowFrames=7", "RxCoalesceSec=7us", "RxCoalesceHighSec=7us",
                "RxCoalesceIrqSec=7us", "RxCoalesceLowSec=7us",
                "CoalescePacketRateSampleIntervalSec=7s", "StatisticsBlockCoalesceSec=7us",
                "TxMaxCoalescedFrames=7", "TxMaxCoalescedHighFrames=7",
                "TxMaxCoalescedIrqFrames=7", "TxMaxCoalescedLowFrames=7", "TxCoalesceSec=7us",
                "TxCoalesceHighSec=7us", "TxCoalesceIrqSec=7us", "TxCoalesceLowSec=7us",
            ])
        let none = try NICDeclaration(
            name: "ens1", attributes: ["coalescing": ["sample-interval": 0, "rx-usecs": 0]])
        #expect(NICLinkFile.lines(none) == ["RxCoalesceSec=0us"])
    }
}
