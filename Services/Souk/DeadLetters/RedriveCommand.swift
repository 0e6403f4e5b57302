import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import Operations
import ServiceKit

/// Who acts, and why: for the audit record.
struct ActorOptions: ParsableArguments {
  @Option(help: "Who does it (default: the user's name).") var by: String?
  @Option(help: "Why, for the record.") var reason = ""

  var person: String { by ?? NSUserName() }
}

extension DeadLettersCommand {
  /// `souk dlq redrive`
  struct Redrive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "redrive", abstract: "Send dead letters back to their topic.",
      discussion: """
        Each letter is read by this release first: what it would refuse again stays, except with --force. A record \
        that comes back has the header souk-redriven; one that was sent back --most-redrives times stays, so that \
        nothing goes round for ever. The letters stay in their topic and count as redriven; an audit record in \
        souk.alerts says who did it.

        Exits with 2 when letters were left behind.

        Examples:
          souk dlq redrive gogobe.files.downloaded --dry-run
          souk dlq redrive gogobe.files.downloaded --code truncated --since 2h --rate 20
          souk dlq redrive gogobe.products.ingest 3@17 3@18 --reason "price format fixed in 0.1.1"
        """)
    @Argument(help: "The topic, with or without '.dlq'.") var topic: String
    @Argument(help: "Only these letters, as `souk dlq ls` prints them.") var letters: [String] = []
    @Flag(help: "Say what would happen, and send nothing.") var dryRun = false
    @Option(help: ArgumentHelp("Send at most so many records a second.", valueName: "records")) var rate = 100
    @Option(help: ArgumentHelp("How often a record may be sent back in all.", valueName: "times")) var mostRedrives = 3
    @Flag(help: "Also letters that were redriven or dismissed before.") var again = false
    @Flag(help: "Also letters that this release would refuse again.") var force = false
    @Option(help: ArgumentHelp("Send to this topic instead of the original one.", valueName: "topic")) var into: String?
    @OptionGroup(title: "Which") var filter: LetterFilter
    @OptionGroup(title: "Audit") var actor: ActorOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func validate() throws {
      _ = try DeadLettersCommand.ids(letters)
      if rate < 1 { throw ValidationError("--rate must be at least 1") }
      if mostRedrives < 1 { throw ValidationError("--most-redrives must be at least 1") }
    }

    func run() async throws {
      let origin = DeadLettersCommand.origin(topic)
      let cluster = try Cluster(kafka)
      let book = LetterBook(cluster: cluster)
      let found = try await book.letters(of: origin, where: filter, DeadLettersCommand.ids(letters))
      let plan = RedrivePlan(found, mostRedrives: mostRedrives, again: again, force: force)
      let target = into ?? origin
      _ = try await cluster.partitions(of: target)
      var sent = 0
      if !dryRun, !plan.sent.isEmpty { sent = try await send(plan.sent, to: target, of: origin, book) }
      output.print(Self.report(plan, sent: dryRun ? nil : sent, target))
      if plan.sent.count < plan.items.count { throw ExitCode(2) }
    }

    /// A tenth of a second's records at a time. The audit record of each part follows its acknowledgement, so that a
    /// redrive that ends in the middle does not count what it has not sent.
    private func send(
      _ items: [RedrivePlan.Item], to target: String, of origin: String, _ book: LetterBook
    ) async throws -> Int {
      try await book.cluster.withProducer { producer in
        var sent: [Letter] = []
        var noted = 0
        do {
          var pace = Pace(rate: rate)
          for part in pace.parts(items.count) {
            var batch = OutgoingBatch()
            for item in items[part] { item.append(to: &batch, topic: target) }
            try await producer.send(batch)
            sent += items[part].map(\.letter)
            try await pace.wait(after: part.count)
            if sent.count - noted >= 1_000 {
              try await note(sent[noted...], of: origin, book, producer)
              noted = sent.count
            }
          }
        } catch {
          try? await note(sent[noted...], of: origin, book, producer)
          throw error
        }
        try await note(sent[noted...], of: origin, book, producer)
        return sent.count
      }
    }

    private func note(
      _ letters: ArraySlice<Letter>, of origin: String, _ book: LetterBook, _ producer: Producer
    ) async throws {
      if letters.isEmpty { return }
      try await book.note(
        .redriven, Array(letters), of: origin, by: actor.person,
        filter: self.letters.isEmpty ? filter.text : "by place", reason: actor.reason, through: producer)
    }

    /// - Parameter sent: nil for a dry run.
    static func report(_ plan: RedrivePlan, sent: Int?, _ target: String) -> Report {
      var report = Report("letters", [
        .text("id", "ID"), .text("code", "CODE", rank: 1), .text("key", "KEY", least: 10, rank: 2),
        .hidden("sent"), .text("today", "WITH TODAY'S CODE", least: 20),
      ])
      for item in plan.items {
        let id = "\(item.letter.id.partition)@\(item.letter.id.offset)"
        report.append([
          .text(id), .text(item.letter.code), .text(item.letter.key), .init(.bool(sent != nil && item.fate.isSent), ""),
          .text(item.fate.words),
        ], item.fate.isSent ? .plain : .warning)
      }
      report.nothing = "no dead letters match"
      let counts = plan.counts.map { "\(grouped($0.count)) \($0.name)" }.joined(separator: ", ")
      report.fields = [
        .init("dry_run", .bool(sent == nil)), .init("target", .text(target)), .init("sent", .integer(Int64(sent ?? 0))),
      ]
      if !plan.items.isEmpty {
        let did = sent.map { "sent \(counted($0, "record")) to \(target)" }
          ?? "would send \(counted(plan.sent.count, "record")) to \(target); nothing was sent"
        report.notes = [counts, did]
      }
      return report
    }
  }

  /// `souk dlq dismiss`
  struct Dismiss: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "dismiss", abstract: "Mark dead letters as looked at: they count as open no more.",
      discussion: """
        Deletes nothing: the letters stay until the retention of their topic. An audit record in souk.alerts says who \
        did it and why.

        Examples:
          souk dlq dismiss gogobe.files.downloaded --code truncated --reason "the portal was cut off on Friday"
          souk dlq dismiss market-ticks 0@17 --reason "test data"
        """)
    @Argument(help: "The topic, with or without '.dlq'.") var topic: String
    @Argument(help: "Only these letters, as `souk dlq ls` prints them.") var letters: [String] = []
    @Flag(name: .customLong("all"), help: "All open letters of the topic.") var all = false
    @Flag(help: "Say what would be dismissed, and write nothing.") var dryRun = false
    @OptionGroup(title: "Which") var filter: LetterFilter
    @OptionGroup(title: "Audit") var actor: ActorOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func validate() throws {
      _ = try DeadLettersCommand.ids(letters)
      guard all || !letters.isEmpty || !filter.isEmpty else {
        throw ValidationError("say which: letters such as 3@17, a filter such as --code, or --all")
      }
    }

    func run() async throws {
      let origin = DeadLettersCommand.origin(topic)
      let cluster = try Cluster(kafka)
      let book = LetterBook(cluster: cluster)
      let found = try await book.letters(of: origin, where: filter, DeadLettersCommand.ids(letters))
        .filter { $0.handled == nil }
      if !dryRun, !found.isEmpty {
        _ = try await cluster.partitions(of: Topics.alerts.name)
        try await cluster.withProducer { producer in
          try await book.note(
            .dismissed, found, of: origin, by: actor.person, filter: letters.isEmpty ? filter.text : "by place",
            reason: actor.reason, through: producer)
        }
      }
      print("\(dryRun ? "would dismiss" : "dismissed") \(counted(found.count, "dead letter")) of \(origin)")
    }
  }
}

/// How fast records go: parts of a tenth of a second each.
struct Pace: Sendable {
  let rate: Int
  private var due = ContinuousClock.now

  init(rate: Int) { self.rate = rate }

  private var part: Int { max(1, rate / 10) }

  func parts(_ count: Int) -> [Range<Int>] {
    stride(from: 0, to: count, by: part).map { $0..<min($0 + part, count) }
  }

  /// Waits until the records that were sent are paid for.
  mutating func wait(after count: Int) async throws {
    due = max(due, ContinuousClock.now - .seconds(1)) + .seconds(Double(count) / Double(rate))
    if due > .now { try await Task.sleep(until: due) }
  }
}
