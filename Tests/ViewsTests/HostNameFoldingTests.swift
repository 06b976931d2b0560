import Testing

@testable import Views

@Suite struct HostNameFoldingTests {
    @Test(arguments: [
        ([], ""), (["a"], "a"), (["a", "b"], "a,b"), (["md1"], "md1"), (["md1", "md1"], "md1"),
        (["md1", "md2"], "md[1,2]"), (["md1", "md2", "md3"], "md[1-3]"),
        (["md3", "md1", "md2", "md5"], "md[1-3,5]"),
        (["ld4-md001", "ld4-md002", "ld4-md003"], "ld4-md[001-003]"),
        (["md8", "md9", "md10", "md11"], "md[8-11]"),
        (["md08", "md09", "md10", "md11"], "md[08-11]"),
        (["md1", "md01", "md2", "md02"], "md[1,2],md[01,02]"),
        (["md099", "md100", "md1000"], "md[099,100],md1000"),
        (["a1", "b1", "a2"], "a[1,2],b1"), (["b1", "a1", "b2", "a2"], "b[1,2],a[1,2]"),
        (["md1.ld4.example.com", "md2.ld4.example.com"], "md[1,2].ld4.example.com"),
        (["md1.ld4", "md2.ld4", "md1.ny4"], "md[1,2].ld4,md1.ny4"),
        (["web1-ny2", "web2-ny2", "web3-ny2"], "web[1-3]-ny2"),
        (["10.0.0.1", "10.0.0.2", "10.0.1.1"], "10.0.0.[1,2],10.0.1.1"),
        (["fe80::1", "fe80::2"], "fe80::[1,2]"), (["md1", "md", "md3"], "md[1,3],md"),
        (
            ["x12345678901234567890", "x12345678901234567891"],
            "x12345678901234567890,x12345678901234567891"
        ),
        (["١", "٢"], "١,٢"), (["é1", "é2"], "é[1,2]"), (["1", "2", "3"], "[1-3]"),
    ])
    func folds(names: [String], text: String) {
        #expect(HostNameFolding.fold(names) == text)
    }

    @Test func manyHostsFoldToOneText() {
        let names = (1...10_000).map { number in
            "ld4-md" + String(repeating: "0", count: 5 - String(number).count) + String(number)
        }
        #expect(HostNameFolding.fold(names.shuffled()) == "ld4-md[00001-10000]")
    }
}
