import ArgumentParser
import Values

/// A point in time on the command line: RFC 3339, or a date, which is its midnight in UTC.
package struct TimeArgument: ExpressibleByArgument, Hashable, Sendable {
  /// Since 1970.
  package var seconds: Int64

  package init(seconds: Int64) { self.seconds = seconds }

  package init?(argument: String) {
    guard let time = Timestamp(argument) ?? Timestamp(argument + "T00:00:00Z"),
      time.microseconds % 1_000_000 == 0
    else { return nil }
    seconds = time.microseconds / 1_000_000
  }
}

/// From when to when.
package struct TimeSpan: ParsableArguments {
  @Option(help: ArgumentHelp("First due time.", valueName: "2026-03-01|2026-03-01T06:00:00Z"))
  package var from: TimeArgument

  @Option(help: ArgumentHelp("End of the due times, itself not among them.", valueName: "2026-03-02"))
  package var to: TimeArgument

  package init() {}

  package func validate() throws {
    guard from.seconds < to.seconds else { throw ValidationError("--from has to be before --to") }
    guard to.seconds - from.seconds <= 400 * 86_400 else {
      throw ValidationError("--from and --to are more than 400 days apart")
    }
  }

  package var range: Range<Int64> { from.seconds..<to.seconds }
}
