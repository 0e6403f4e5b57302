import ArgumentParser
import Catalogue
import Logging
import ServiceKit

/// `souk dlq`
struct DeadLettersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dlq", abstract: "Look at dead letters.", subcommands: [ListCommand.self])

  struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Print why each record of a dead-letter topic is there.",
      discussion: "Reads the topic from its beginning to its present end, and commits nothing.")

    @Argument(help: "The topic, with or without '.dlq'.")
    var topic: String

    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    @Option(help: "The most records to print; the rest is counted.")
    var limit = 100

    func validate() throws {
      if limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
      let suffix = Topic.deadLetterName(of: "")
      let origin = topic.hasSuffix(suffix) ? String(topic.dropLast(suffix.count)) : topic
      let listing = try await Cluster(kafka).deadLetters(of: origin, limit: limit)
      print(listing.lines.joined(separator: "\n"))
    }
  }
}

/// Dead letters as a table, with their number by code.
struct DeadLetterListing: Sendable {
  private var shown: [DeadLetter] = []
  private var counts: [String: Int] = [:]
  private(set) var total = 0
  let limit: Int

  init(limit: Int) { self.limit = limit }

  mutating func append(_ deadLetter: DeadLetter) {
    total += 1
    counts[deadLetter.code, default: 0] += 1
    if shown.count < limit { shown.append(deadLetter) }
  }

  var lines: [String] {
    guard total > 0 else { return ["no dead letters"] }
    var table = TextTable(["WHERE", "SERVICE", "STAGE", "CODE", "KEY", "REASON"])
    for row in shown {
      table.append([row.origin, row.service, row.stage, row.code, row.key, row.message])
    }
    let reasons = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \(grouped($0.value))" }
    let hidden = total > shown.count ? ", \(grouped(total - shown.count)) not shown" : ""
    return table.lines + ["", "\(grouped(total)) dead letters\(hidden): \(reasons.joined(separator: ", "))"]
  }
}

/// The headers of one dead letter.
struct DeadLetter: Hashable, Sendable {
  var origin: String
  var service: String
  var stage: String
  var code: String
  var message: String
  var key: String

  /// - Parameter headers: name and UTF-8 value; a missing one shows as `?`.
  init(headers: [(name: String, value: [UInt8])], key: [UInt8]?) {
    func text(_ name: String) -> String {
      headers.last { $0.name == name }.map { String(decoding: $0.value, as: UTF8.self) } ?? "?"
    }
    origin = "\(text(HeaderName.topic))[\(text(HeaderName.partition))]@\(text(HeaderName.offset))"
    service = text(HeaderName.service)
    stage = text(HeaderName.stage)
    code = text(HeaderName.errorCode)
    let cut = text(HeaderName.cut)
    message = text(HeaderName.errorMessage) + (cut == "?" ? "" : " (too large to be kept whole: \(cut) cut)")
    self.key = key.map { String(decoding: $0, as: UTF8.self) } ?? "-"
  }
}
