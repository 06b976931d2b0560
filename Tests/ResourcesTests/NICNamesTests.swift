import Kinds
import Linux
import Testing

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
}
