import Testing

/// Records an issue with all that the program printed, unless it ended with `status`.
///
/// An expectation of the status alone would not say why it failed.
func expect(
    _ run: (status: Int32, text: String), endedWith status: Int32,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(run.status == status, "\(run.text)", sourceLocation: sourceLocation)
}
