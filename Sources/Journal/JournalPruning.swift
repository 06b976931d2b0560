import FleetModel
import Glibc
import Linux
import Wire

extension JournalDirectory {
    /// How many journals whose run never came to its end are kept.
    ///
    /// The newest one tells what a resumed run has to ask for; older ones are for people.
    package static let keptUnfinished = 5

    /// What pruning has to know of one journal.
    private struct Summary {
        var isFinished: Bool
        /// The contents its before-images name.
        var contents: Set<Digest>
    }

    /// Removes the oldest journals beyond the limits, and contents that no journal names any more.
    ///
    /// Never the newest journal. Of unfinished ones the newest `unfinished` stay, whatever the other
    /// limits. Each finished journal is decoded once: what it names is kept beside it in a file
    /// `NUMBER.before`, a digest a line.
    package static func prune(
        in directory: StateDirectory, keep: Int = keptJournals, bytes: Int = keptBytes,
        unfinished: Int = keptUnfinished
    ) throws(AgentFault) {
        let numbers = try numbers(in: directory)
        var named: Set<Digest> = []
        var kept = 0
        var keptUnfinished = 0
        var total = 0
        var removed = false
        for number in numbers.reversed() {
            let summary = try summary(of: number, in: directory)
            total += size(of: number, in: directory)
            let isOver = kept >= keep || total > bytes
            var stays = !isOver || number == numbers.last
            if let summary, !summary.isFinished {
                stays = keptUnfinished < unfinished
                keptUnfinished += 1
            }
            if stays {
                kept += 1
                named.formUnion(summary?.contents ?? [])
                continue
            }
            for path in [
                path(of: number, in: directory), planPath(of: number, in: directory),
                summaryPath(of: number, in: directory),
            ] {
                unlink(path)
            }
            removed = true
        }
        guard removed else { return }
        for name in (try? LocalMachine().listIfPresent(directory.before)) ?? [] {
            if let digest = Digest(name), named.contains(digest) { continue }
            unlink(directory.before + "/" + name)
        }
    }

    private static func summary(
        of number: Int, in directory: StateDirectory
    ) throws(AgentFault) -> Summary? {
        let file = summaryPath(of: number, in: directory)
        if let bytes = try directory.read(file), let contents = digests(in: bytes) {
            return Summary(isFinished: true, contents: contents)
        }
        guard let state = try state(of: number, in: directory) else { return nil }
        let contents = state.beforeContents
        if state.isFinished {
            let lines = contents.map { "\($0)\n" }.sorted().joined()
            try directory.replace(file, Array((lines + summaryEnd).utf8))
        }
        return Summary(isFinished: state.isFinished, contents: contents)
    }

    /// The last line of a summary: one that was cut short is not taken for a whole one.
    private static let summaryEnd = "end\n"

    /// The digests of a summary; nil where it is not whole.
    private static func digests(in bytes: [UInt8]) -> Set<Digest>? {
        var lines = String(decoding: bytes, as: UTF8.self).filledLines
        guard bytes.last == 10, lines.popLast() == "end" else { return nil }
        var digests: Set<Digest> = []
        for line in lines {
            guard let digest = Digest(String(line)) else { return nil }
            digests.insert(digest)
        }
        return digests
    }

    private static func summaryPath(of number: Int, in state: StateDirectory) -> String {
        state.journal + "/" + name(of: number) + ".before"
    }

    private static func size(of number: Int, in directory: StateDirectory) -> Int {
        let status = try? LocalMachine().status(path(of: number, in: directory), followLinks: false)
        return Int(status?.size ?? 0)
    }
}
