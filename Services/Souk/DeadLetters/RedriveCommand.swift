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
      if !dryRun {
        sent = try await book.redrive(
          plan, to: target, of: origin, rate: rate, by: actor.person,
          filter: letters.isEmpty ? filter.text : "by place", reason: actor.reason)
      }
      output.print(plan.report(sent: dryRun ? nil : sent, target))
      if plan.sent.count < plan.items.count { throw ExitCode(2) }
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
    @OptionGroup var output: OutputOptions
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
        try await book.dismiss(
          found, of: origin, by: actor.person, filter: letters.isEmpty ? filter.text : "by place",
          reason: actor.reason)
      }
      let words = "\(dryRun ? "would dismiss" : "dismissed") \(counted(found.count, "dead letter")) of \(origin)"
      print(output.text(
        .object([
          .init("topic", .text(origin)), .init("dry_run", .bool(dryRun)),
          .init("dismissed", .list(found.map { .text("\($0.id.partition)@\($0.id.offset)") })),
        ]),
        [words]))
    }
  }
}
