import FleetModel
import Linux

/// The before-images of a restoration, with the outcome of each.
struct RestoreWork {
    struct Item {
        let index: Int
        let image: BeforeImage
    }

    /// The images that count: of several for the same item, only the first.
    let items: [Item]
    private let images: [BeforeImage]
    private var outcomes: [Int: Restored.Outcome] = [:]

    init(_ images: [BeforeImage]) {
        self.images = images
        var seen: Set<String> = []
        var items: [Item] = []
        for (index, image) in images.enumerated() {
            // A full image of a path includes its owner and mode.
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

    /// The images of paths: existing ones with parents first, then absent ones with children first.
    var paths: [Item] {
        let all = all { $0.path != nil && !$0.isMetadata }
        func depth(_ item: Item) -> Int { (item.image.path ?? "").utf8.count { $0 == 47 } }
        let there = all.filter { !$0.image.isOfNothing }
        let gone = all.filter(\.image.isOfNothing)
        return there.sorted { (depth($0), $0.index) < (depth($1), $1.index) }
            + gone.sorted { (depth($1), $0.index) < (depth($0), $1.index) }
    }

    /// Records the outcome of an item.
    ///
    /// An item that was put back keeps that outcome if a second check finds it unchanged.
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

    /// One outcome for each image, in the order in which they were given.
    var result: [Restored] {
        images.enumerated().map { index, image in
            Restored(image: image, outcome: outcomes[index] ?? .wasThere)
        }
    }
}

extension RestoreWork.Item {
    /// Whether the path is in a directory from which systemd reads units.
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
    /// The path of the image; nil if it is not of a path.
    var path: String? {
        switch self {
        case .nothing(let path), .file(let path, _, _, _, _), .directory(let path, _, _, _),
            .symlink(let path, _), .metadata(let path, _, _, _):
            path
        default: nil
        }
    }

    /// The item of the image: two images of the same item have equal subjects.
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

    /// Whether it is a control group file, which exists only while its unit is active.
    var isControlGroup: Bool {
        if case .kernelFile(let path, _) = self { path.hasPrefix("/sys/fs/cgroup/") } else { false }
    }

    /// Whether it is state of the running kernel other than modules and control groups.
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

    /// Whether it is a service that must be restarted or reloaded to read what was put back.
    var isOtherDerived: Bool {
        isDerived("") && !isDerived("depmod") && !isDerived("initramfs")
    }
}
