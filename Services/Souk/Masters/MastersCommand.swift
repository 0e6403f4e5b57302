import ArgumentParser
import Catalogue
import Core
import Foundation
import Kafka
import KafkaFlags
import Logging
import Messages
import Operations
import Pipeline
import PostgresFlags
import Values

/// `souk masters`
struct MastersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "masters", abstract: "Say which masters are one product, and which are two.",
    discussion: """
      A decision is a message; db-writer and the parsers apply it. It changes no price and no product that was \
      written: the views show what the decisions in force make of them, and `undo` gives the former state back exactly.

      Examples:
        souk masters candidates --limit 50
        souk masters merge name:0f3a gtin:07290000149844 --by dana
        souk masters settle --every 1h
      """,
    subcommands: [
      CandidatesCommand.self, MergeCommand.self, RejectCommand.self, SplitCommand.self, UndoCommand.self,
      HistoryCommand.self, SettleCommand.self,
    ])

  /// Where decisions are sent, and the tables they are checked against.
  struct Targets: ParsableArguments {
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions
    @OptionGroup(title: "PostgreSQL") var postgres: PostgresOptions

    func book() async throws -> MasterBook {
      try await MasterBook(postgres.configuration(applicationName: "souk masters"))
    }

    func send(_ decisions: [MasterDecision], masters: [ProductMaster] = []) async throws {
      try await DecisionSender(kafka).send(decisions, masters: masters)
      var report = MasterDecision.report(decisions)
      report.notes.append("\(counted(decisions.count, "decision")) sent")
      output.print(report)
    }

    /// Decides about a master and another one, with what a model said of the two.
    func decide(_ kind: MasterDecision.Kind, _ master: String, _ other: String, _ author: Author) async throws {
      let book = try await book()
      var decision = MasterDecision(
        kind, master, other, decidedAt: .now(), decidedBy: author.name, reason: author.reason)
      try await book.check(decision)
      (decision.model, decision.probability) = try await book.judgement(of: master, other)
      try await send([decision])
    }
  }

  /// Who decides, and why.
  struct Author: ParsableArguments {
    @Option(help: "Who decides this (default: the user's name).")
    var by: String?
    @Option(help: "Why, for those who look at it later.")
    var reason: String?

    var name: String { by ?? NSUserName() }
  }

  struct CandidatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "candidates",
      abstract: "List new masters that perhaps are a known one; the likeliest first.",
      discussion: """
        Accept one with `souk masters merge MASTER CANDIDATE`, reject it with `souk masters reject`.

        Examples:
          souk masters candidates --probability 0.8
        """)
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "PostgreSQL") var postgres: PostgresOptions
    @Option(help: "The most candidates to print.")
    var limit = 20
    @Option(help: "The least probability, 0 to 1.")
    var probability = 0.0

    func validate() throws {
      if limit < 1 { throw ValidationError("--limit must be at least 1") }
      if !(0...1 ~= probability) { throw ValidationError("--probability must be 0 to 1") }
    }

    func run() async throws {
      let book = try await MasterBook(postgres.configuration(applicationName: "souk masters"))
      output.print(try await book.candidates(limit: limit, probability: probability))
    }
  }

  struct MergeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "merge", abstract: "Say that a master is the same product as another one, which stands for both.",
      discussion: """
        Examples:
          souk masters merge name:0f3a gtin:07290000149844 --by dana --reason "same carton"
        """)
    @Argument(help: "The master that is merged.") var master: String
    @Argument(help: "The master that stands for both.") var other: String
    @OptionGroup var author: Author
    @OptionGroup var targets: Targets

    func run() async throws { try await targets.decide(.merge, master, other, author) }
  }

  struct RejectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "reject", abstract: "Say that a candidate is another product.",
      discussion: """
        Examples:
          souk masters reject name:0f3a gtin:07290000149844 --by dana
        """)
    @Argument(help: "The master.") var master: String
    @Argument(help: "Its candidate.") var other: String
    @OptionGroup var author: Author
    @OptionGroup var targets: Targets

    func run() async throws { try await targets.decide(.reject, master, other, author) }
  }

  struct SplitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "split", abstract: "Say that some chains' products are not this master but another one.",
      discussion: """
        Examples:
          souk masters split gtin:07290000149844 --product shufersal/17 --by dana
        """)
    @Argument(help: "The master that is two products.") var master: String
    @Option(name: .customLong("product"), help: ArgumentHelp(
      "What is the other product: a chain and its code; repeatable.", valueName: "chain/code"))
    var products: [String]
    @Option(help: ArgumentHelp("The known master that they are (default: a new one).", valueName: "master"))
    var into: String?
    @OptionGroup var author: Author
    @OptionGroup var targets: Targets

    func run() async throws {
      let parts = try products.map { text -> MasterDecision.Product in
        guard let slash = text.firstIndex(of: "/"), slash > text.startIndex, text.index(after: slash) < text.endIndex
        else { throw ValidationError("--product \(text) is not chain/code") }
        return .init(chain: String(text[..<slash]), code: String(text[text.index(after: slash)...]))
      }
      guard !parts.isEmpty, parts.count <= MasterDecision.maxProducts else {
        throw ValidationError("name 1 to \(MasterDecision.maxProducts) products with --product chain/code")
      }
      let book = try await targets.book()
      let found = try await book.split(master, parts, into: into, author: author.name, reason: author.reason)
      for decision in found.decisions { try await book.check(decision, isNew: into == nil) }
      try await targets.send(found.decisions, masters: found.masters)
    }
  }

  struct UndoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "undo", abstract: "Take a decision back; to make it again, decide again.",
      discussion: """
        Examples:
          souk masters undo 4f1c --by dana --reason "different sizes"
        """)
    @Argument(help: "The decision's id, see `souk masters history`.") var decision: String
    @OptionGroup var author: Author
    @OptionGroup var targets: Targets

    func run() async throws {
      var known = try await targets.book().decision(decision)
      guard known.undoneAt == nil else {
        throw Failure(
          .configuration, code: "already_undone", "\(decision) was undone by \(known.undoneBy ?? "?") already")
      }
      (known.undoneAt, known.undoneBy, known.undoneReason) = (.now(), author.name, author.reason)
      try await targets.send([known])
    }
  }

  struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "history", abstract: "List decisions and what was undone; the newest first.",
      discussion: """
        Examples:
          souk masters history gtin:07290000149844
        """)
    @Argument(help: "Only those that name this master.") var master: String?
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "PostgreSQL") var postgres: PostgresOptions
    @Option(help: "The most decisions to print.")
    var limit = 50

    func validate() throws {
      if limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
      let book = try await MasterBook(postgres.configuration(applicationName: "souk masters"))
      output.print(try await book.history(of: master, limit: limit))
    }
  }

  struct SettleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "settle",
      abstract: "Merge the candidates that GTINs have proved since, once or again and again.",
      discussion: """
        A candidate is proved when a chain sells its GTIN by just the name and size of the new master, no other GTIN \
        has that name and size, and no chain sells both at once. The same proof is the same decision: what a person \
        undid is not merged again. With --every the command goes on until SIGTERM or Ctrl-C; an outage is printed, and \
        the next time it is tried again.

        Examples:
          souk masters settle --dry-run
          souk masters settle --every 1h
        """)
    @Flag(help: "Print what would be merged, and send nothing.")
    var dryRun = false
    @OptionGroup var targets: Targets

    @Option(help: "Settle again and again, so long after each time, such as 1h (default: once).")
    var every: DurationSetting?

    func validate() throws {
      if let every, every.duration <= .zero { throw ValidationError("--every must be longer than 0") }
    }

    func run() async throws {
      guard let every else { return try await settle() }
      try await settle(every: every.duration, until: stopSignals())
    }

    func settle(every pause: Duration, until stop: Interruption) async throws {
      repeat {
        do { try await settle() } catch let error as any ClassifiedError where error.isTransient {
          FileHandle.standardError.write(Data("souk masters settle: \(error)\n".utf8))
        }
      } while await !stop.sleep(for: pause)
    }

    private func settle() async throws {
      let decisions = try await targets.book().proved(at: .now())
      guard dryRun else { return try await targets.send(decisions) }
      var report = MasterDecision.report(decisions)
      report.notes.append("\(counted(decisions.count, "decision")) would be sent")
      targets.output.print(report)
    }
  }
}

extension MasterDecision {
  static func report(_ decisions: [MasterDecision]) -> Report {
    var report = Report("decisions", [
      .text("decision", "DECISION", least: 13), .hidden("kind"), .hidden("master"), .hidden("other"),
      .hidden("products"), .words("what", "WHAT", least: 24), .text("decided_at", "DECIDED", rank: 3),
      .text("decided_by", "BY", least: 4, rank: 1), .text("reason", "WHY", least: 6, rank: 2),
      .text("undone_at", "UNDONE", rank: 4), .text("undone_by", "UNDONE BY", rank: 5),
      .text("undone_reason", "WHY UNDONE", rank: 6),
    ])
    for decision in decisions {
      report.append([
        .text(decision.decisionID), .text(decision.kind.rawValue), .text(decision.masterID), .text(decision.otherID),
        .init(.list(decision.products.map { .text("\($0.chain)/\($0.code)") }), ""), .text(decision.line),
        .text("\(decision.decidedAt)"), .text(decision.decidedBy), .text(decision.reason),
        .text(decision.undoneAt.map { "\($0)" }), .text(decision.undoneBy), .text(decision.undoneReason),
      ], decision.undoneAt == nil ? .plain : .faint)
    }
    report.nothing = "no decisions"
    return report
  }

  /// In one line for people.
  var line: String {
    let what = switch kind {
    case .merge: "\(masterID) is \(otherID)"
    case .split: "\(products.map { "\($0.chain)/\($0.code)" }.joined(separator: ", ")) of \(masterID) is \(otherID)"
    case .reject: "\(masterID) is not \(otherID)"
    }
    return undoneAt == nil ? what : "undone: \(what)"
  }
}

/// Sends decisions about masters, and waits until the brokers have them.
struct DecisionSender: Sendable {
  private let cluster: Cluster
  private let options: KafkaOptions

  init(_ options: ClusterOptions) throws {
    cluster = try Cluster(options)
    self.options = try options.kafkaOptions()
  }

  /// - Parameter masters: what the decisions refer to and is new; sent ahead of them.
  /// - Throws: `KafkaError` when the brokers do not answer; `Failure` of class configuration without the topics.
  func send(_ decisions: [MasterDecision], masters: [ProductMaster] = []) async throws {
    let topics = try await cluster.admin.topics()
    for topic in [Topics.masterDecisions, Topics.productsMasters] where topics[topic.name] == nil {
      throw Failure(
        .configuration, code: "no_such_topic", "the cluster has no topic \(topic.name); see `souk topics apply`")
    }
    var logger = Logger(label: "souk")
    logger.logLevel = .critical
    let identity = ServiceIdentity(name: "souk")
    let producer = try Producer(options.producerConfiguration(clientID: identity.name, logger: logger))
    do {
      try await producer.send(batch(masters, identity))
      try await producer.send(batch(decisions, identity))
    } catch {
      await producer.close()
      throw error
    }
    await producer.close()
  }

  private func batch<Record: Message>(_ records: [Record], _ identity: ServiceIdentity) -> OutgoingBatch {
    var batch = OutgoingBatch()
    let headers = identity.headers(schema: Record.topic.schema)
    for record in records {
      batch.append(topic: Record.topic.name, key: record.key, value: record.encoded(), headers: headers)
    }
    return batch
  }
}
