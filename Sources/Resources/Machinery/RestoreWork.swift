import FleetModel
import Linux

/// The before-images of a restoration, in the order in which they are gone about, and what came of each.
struct RestoreWork {
    struct Item {
        let index: Int
        let image: BeforeImage
    }

    /// Those that count: of several of one thing the first.
    let items: [Item]
    private let images: [BeforeImage]
    private var outcomes: [Int: Restored.Outcome] = [:]

    init(_ images: [BeforeImage]) {
        self.images = images
        var seen: Set<String> = []
        var items: [Item] = []
        for (index, image) in images.enumerated() {
            // A whole image of a path has its owner and mode too.
            let isKnown = image.isMetadata && seen.contains("path \(image.path ?? "")")
            if seen.insert(image.subject).inserted, !isKnown {
                items.append(Item(index: index, image: image))
            } else {
                outcomes[index] = .superseded
            }
        }
        self.items = items
    }

    func all(where fits: (BeforeImage) -> Bool) -> [Item] { items.filter { fits($0.image) } }

    /// What is at paths: what was there from the top down, then what was not, from the bottom up.
    var paths: [Item] {
        let all = all { $0.path != nil && !$0.isMetadata }
        func depth(_ item: Item) -> Int { (item.image.path ?? "").utf8.count { $0 == 47 } }
        let there = all.filter { !$0.image.isOfNothing }
        let gone = all.filter(\.image.isOfNothing)
        return there.sorted { (depth($0), $0.index) < (depth($1), $1.index) }
            + gone.sorted { (depth($1), $0.index) < (depth($0), $1.index) }
    }

    /// Notes what came of one; what was put back once stays so, whatever a second look finds.
    mutating func note(_ item: Item, _ outcome: Restored.Outcome) {
        if outcome == .wasThere, outcomes[item.index] != nil, !isFailed(item) { return }
        let wasTouched = outcome == .wasThere && isFailed(item)
        outcomes[item.index] = wasTouched ? .putBack : outcome
    }

    func isPutBack(_ item: Item) -> Bool { outcomes[item.index] == .putBack }

    func isFailed(_ item: Item) -> Bool {
        if case .failed? = outcomes[item.index] { true } else { false }
    }

    /// Whether anything was put back.
    var changed: Bool { outcomes.values.contains(.putBack) }

    /// One answer for each image, in the order they were given.
    var result: [Restored] {
        images.enumerated().map { index, image in
            Restored(image: image, outcome: outcomes[index] ?? .wasThere)
        }
    }
}

extension RestoreWork.Item {
    /// A file that systemd reads units from.
    var isUnitFile: Bool {
        [
            "/etc/systemd/system/", "/run/systemd/system/", "/usr/lib/systemd/system/",
            "/lib/systemd/system/",
        ].contains {
            (image.path ?? "").hasPrefix($0)
        }
    }
}

extension BeforeImage {
    /// The path it is of, where it is of one.
    var path: String? {
        switch self {
        case .nothing(let path), .file(let path, _, _, _, _), .directory(let path, _, _, _),
            .symlink(let path, _), .metadata(let path, _, _, _):
            path
        default: nil
        }
    }

    /// What it is of: two images of one thing have the same.
    var subject: String {
        switch self {
        case .nothing(let path), .file(let path, _, _, _, _), .directory(let path, _, _, _),
            .symlink(let path, _):
            "path \(path)"
        case .metadata(let path, _, _, _): "metadata \(path)"
        case .sysctl(let key, _): "sysctl \(key)"
        case .kernelFile(let path, _): "kernel file \(path)"
        case .affinity(let pid, _): "affinity \(pid)"
        case .module(let name, _): "module \(name)"
        case .link(let name, let setting, _): "link \(name) \(setting)"
        case .unit(let name, _, _): "unit \(name)"
        case .package(let name, _, _): "package \(name)"
        case .accountLine(let file, let name, _): "account \(file) \(name)"
        case .derived(let what): "derived \(what)"
        }
    }

    var isOfNothing: Bool { if case .nothing = self { true } else { false } }
    var isMetadata: Bool { if case .metadata = self { true } else { false } }
    var isDevice: Bool { path?.hasPrefix("/dev/") ?? false }
    var isAccount: Bool { if case .accountLine = self { true } else { false } }
    var isPackage: Bool { if case .package = self { true } else { false } }
    var isModule: Bool { if case .module = self { true } else { false } }
    var isUnit: Bool { if case .unit = self { true } else { false } }

    /// A file of a control group, which is there when its unit runs.
    var isControlGroup: Bool {
        if case .kernelFile(let path, _) = self { path.hasPrefix("/sys/fs/cgroup/") } else { false }
    }

    /// What the running kernel holds, but for modules and control groups.
    var isKernels: Bool {
        switch self {
        case .sysctl, .affinity, .link: true
        case .kernelFile: !isControlGroup
        default: false
        }
    }

    func isDerived(_ what: String) -> Bool {
        if case .derived(let name) = self { name.hasPrefix(what) } else { false }
    }

    /// Services that read at their start what was put back.
    var isOtherDerived: Bool {
        isDerived("") && !isDerived("depmod") && !isDerived("initramfs")
    }
}
