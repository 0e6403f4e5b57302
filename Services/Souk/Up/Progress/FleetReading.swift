import Catalogue
import ServiceKit

/// One stage of the pipeline as its processes and Kafka report it. All numbers count records.
struct StageReading: Hashable, Sendable {
  var name: String
  /// Processes that run now.
  var running = 0
  var consumed = 0
  var kept = 0
  var filtered = 0
  var deadLettered = 0
  var produced = 0
  /// Consumed, and neither passed on, filtered, dead-lettered nor returned for another member to consume.
  var inHand = 0
  /// Records between what the group has committed and the end of its topics; nil for a stage that reads no topic,
  /// or before the brokers have told it once.
  var lag: Int?
  /// How old the lag is where the brokers did not answer this time; nil when they did.
  var lagAge: Duration?

  var lagText: String {
    guard let lag else { return "-" }
    return grouped(lag) + (lagAge.map { " (\($0.components.seconds) s old)" } ?? "")
  }
}

/// The whole pipeline at one moment.
///
/// Lags must be read in the order the data flows, after `sourcePassed`: every stage commits a record only when its
/// output is acknowledged, so a stage without lag puts nothing more before the stages that are read after it.
struct FleetReading: Hashable, Sendable {
  /// What begins the flow has looked at everything once.
  var sourcePassed = false
  var stages: [StageReading] = []

  /// Everything that was discovered has reached its end.
  var isCaughtUp: Bool {
    sourcePassed && stages.allSatisfy { stage in
      let entry = ServiceCatalogue.named(stage.name)
      // One that answers questions follows its topics in no group, and has no lag.
      return (stage.lag == 0 && stage.lagAge == nil) || entry?.isSource == true || entry?.groups.isEmpty == true
    }
  }

  var lines: [String] {
    var table = TextTable([
      "STAGE", .right("UP"), .right("IN"), .right("OUT"), .right("FILTERED"), .right("DEAD"), .right("IN HAND"),
      .right("LAG"),
    ])
    for stage in stages {
      table.append([
        stage.name, "\(stage.running)", grouped(stage.consumed), grouped(max(stage.kept, stage.produced)),
        grouped(stage.filtered), grouped(stage.deadLettered), stage.lag == nil ? "-" : grouped(stage.inHand),
        stage.lagText,
      ])
    }
    return table.lines
  }

  /// The same in one line, for logs.
  var summary: String {
    stages.map { stage in
      var text = "\(stage.name) in \(grouped(stage.consumed)) out \(grouped(max(stage.kept, stage.produced)))"
      if stage.filtered > 0 { text += " filtered \(grouped(stage.filtered))" }
      if stage.deadLettered > 0 { text += " dead \(grouped(stage.deadLettered))" }
      if stage.lag != nil { text += " lag \(stage.lagText)" }
      return text
    }.joined(separator: " | ")
  }

  /// What does not add up once everything has arrived; empty when every record is accounted for.
  var discrepancies: [String] {
    stages.filter { $0.lag != nil && $0.inHand != 0 }.map { stage in
      "\(stage.name): of \(grouped(stage.consumed)) records in, \(grouped(stage.inHand)) are unaccounted for"
    }
  }
}
