import Compiler
import FleetModel
import Wire

/// The compiler as a run uses it.
struct CompilerPlanner: HostPlanner {
    let compiler: Compiler
    let tags: [String]?

    func plan(_ host: String, facts: KnownFacts) -> PlannedHost {
        let input = HostFactsInput(
            hardware: facts.hardware, live: facts.live, digest: facts.hardwareDigest)
        let result = compiler.compile(
            host: host, facts: input, options: CompileOptions(tags: tags))
        return PlannedHost(
            plan: result.compiled, blobs: result.blobs, diagnostics: result.diagnostics,
            usesHardware: result.factsUsed.needsHardware,
            liveSections: result.factsUsed.liveSections, lacksFacts: result.onlyNeedsFacts)
    }

    func bytes(of blob: Blob) throws(AgentFault) -> [UInt8] {
        do throws(FleetFileFault) {
            return try blob.load(from: compiler.sources.files)
        } catch {
            throw AgentFault(
                "blob", "read the content \(blob.digest.short)", cause: error.text,
                hint: "run again: the files of the fleet directory changed meanwhile")
        }
    }
}
