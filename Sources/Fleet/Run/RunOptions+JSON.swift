import FleetModel
import Runs
import Wire

/// Everything needed to continue a run after its controller died, as the store keeps it.
package struct RunRecipe: Sendable, Equatable {
    package var options: RunOptions
    package var brakes: Brakes
    /// The options that decide what is compiled: `inventory`, `set`, `tags`.
    package var arguments: JSON

    package init(options: RunOptions, brakes: Brakes = Brakes(), arguments: JSON = .object([:])) {
        self.options = options
        self.brakes = brakes
        self.arguments = arguments
    }

    package var json: JSON {
        .compact([
            "mode": .string(options.mode.rawValue),
            "deadline_seconds": .integer(options.deadlineSeconds),
            "wants_content": .bool(options.wantsContent),
            "max_disruption": .string(options.maxDisruption.rawValue),
            "reboot_seconds": .integer(options.rebootSeconds),
            "valid_seconds": .integer(options.validSeconds),
            "canary": .integer(brakes.canary), "batch": .optional(brakes.batch?.text),
            "max_failed": brakes.maxFailed.map { .integer($0) }, "arguments": arguments,
        ])
    }

    /// Reads what ``json`` wrote; `id`, `verb` and `requestedBy` are stored separately.
    package init(
        json: JSON, id: String, verb: String, requestedBy: String
    ) throws(JSONError) {
        var reader = try MemberReader(json, as: "options of a run")
        var options = RunOptions(
            verb: verb, mode: try reader.name("mode"), runID: id, requestedBy: requestedBy)
        options.deadlineSeconds = try reader.integer("deadline_seconds")
        options.wantsContent = try reader.bool("wants_content")
        options.maxDisruption = try reader.name("max_disruption")
        options.rebootSeconds = try reader.integer("reboot_seconds")
        options.validSeconds = try reader.integer("valid_seconds")
        self.options = options
        brakes = Brakes(
            canary: try reader.integer("canary"),
            batch: try reader.optionalString("batch").flatMap { Brakes.size($0) },
            maxFailed: reader.optional("max_failed")?.integer)
        arguments = try reader.required("arguments")
        try reader.end()
    }
}
