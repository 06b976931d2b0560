/// The names of network card settings in ethtool(8) and in the kernel.
package enum NICNames {
    package static let rings = ["rx", "rx-mini", "rx-jumbo", "tx"]
    package static let channels = ["rx", "tx", "other", "combined"]
    package static let pause = ["autoneg", "rx", "tx"]
    package static let coalescingFlags = ["adaptive-rx", "adaptive-tx"]
    package static let coalescing = [
        "rx-usecs", "rx-frames", "rx-usecs-irq", "rx-frames-irq", "tx-usecs", "tx-frames",
        "tx-usecs-irq", "tx-frames-irq", "stats-block-usecs", "pkt-rate-low", "rx-usecs-low",
        "rx-frames-low", "tx-usecs-low", "tx-frames-low", "pkt-rate-high", "rx-usecs-high",
        "rx-frames-high", "tx-usecs-high", "tx-frames-high", "sample-interval",
    ]
    /// The receive filters in linux/net_tstamp.h.
    package static let receiveFilters = [
        "none", "all", "some", "ptpv1_l4_event", "ptpv1_l4_sync", "ptpv1_l4_delay_req",
        "ptpv2_l4_event", "ptpv2_l4_sync", "ptpv2_l4_delay_req", "ptpv2_l2_event", "ptpv2_l2_sync",
        "ptpv2_l2_delay_req", "ptpv2_event", "ptpv2_sync", "ptpv2_delay_req", "ntp_all",
    ]

    /// The kernel's features behind an ethtool name; other names are kernel names already.
    package static func features(_ name: String) -> [String] { groups[name] ?? [name] }

    private static let groups: [String: [String]] = {
        var groups: [String: [String]] = [:]
        for (names, features) in table { for name in names { groups[name] = features } }
        return groups
    }()

    private static let table: [(names: [String], features: [String])] = [
        (["gro", "generic-receive-offload"], ["rx-gro"]),
        (["lro", "large-receive-offload"], ["rx-lro"]),
        (["gso", "generic-segmentation-offload"], ["tx-generic-segmentation"]),
        (
            ["tso", "tcp-segmentation-offload"],
            [
                "tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-mangleid-segmentation",
                "tx-tcp6-segmentation",
            ]
        ),
        (["sg", "scatter-gather"], ["tx-scatter-gather", "tx-scatter-gather-fraglist"]),
        (["rx", "rx-checksumming"], ["rx-checksum"]),
        (
            ["tx", "tx-checksumming"],
            [
                "tx-checksum-ipv4", "tx-checksum-ip-generic", "tx-checksum-ipv6",
                "tx-checksum-fcoe-crc", "tx-checksum-sctp",
            ]
        ),
        (["rxvlan", "rx-vlan-offload"], ["rx-vlan-hw-parse"]),
        (["txvlan", "tx-vlan-offload"], ["tx-vlan-hw-insert"]),
        (["ntuple", "ntuple-filters"], ["rx-ntuple-filter"]),
        (["rxhash", "receive-hashing"], ["rx-hashing"]),
    ]
}
