import ArgumentParser
import Catalogue
import Core
import Kafka
import Messages
import Operations
import ServiceKit
import Synchronization

/// `souk dlq`
struct DeadLettersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dlq", abstract: "Look at dead letters, send them back, dismiss them.",
    discussion: """
      A record that can never be processed goes to the topic of its name with '.dlq', with the reason. An operator \
      sends it back when the reason is gone, or dismisses it; both are recorded in souk.alerts.

      Examples:
        souk dlq                                            # all topics with dead letters
        souk dlq ls gogobe.files.downloaded --code truncated
        souk dlq show gogobe.files.downloaded 3@17
        souk dlq redrive gogobe.files.downloaded --code truncated --dry-run
      """,
    subcommands: [Overview.self, List.self, Show.self, Redrive.self, Dismiss.self], defaultSubcommand: Overview.self)

  /// The topic of a letter, without `.dlq`.
  static func origin(_ topic: String) -> String {
    let suffix = Topic.deadLetterName(of: "")
    return topic.hasSuffix(suffix) ? String(topic.dropLast(suffix.count)) : topic
  }

  static func ids(_ texts: [String]) throws -> [RecordID] {
    try texts.map { text in
      guard let id = RecordID(text) else {
        throw ValidationError("'\(text)' is no place such as 3@17: partition@offset, as `souk dlq ls` prints it")
      }
      return id
    }
  }

  /// `souk dlq overview`
  struct Overview: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "overview", abstract: "All topics with dead letters, how many are open, and why.",
      discussion: """
        Examples:
          souk dlq
          souk dlq overview -o json | jq '.topics[] | select(.open > 0)'
        """)
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func run() async throws {
      let book = LetterBook(cluster: try Cluster(kafka))
      var topics: [(String, LetterCounts)] = []
      for origin in try await book.origins() {
        let counts = Mutex(LetterCounts())
        try await book.letters(of: origin) { letter in counts.withLock { $0.add(letter) } }
        topics.append((origin, counts.withLock { $0 }))
      }
      output.print(LetterCounts.report(topics))
    }
  }

  /// `souk dlq ls`
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ls", abstract: "The dead letters of a topic: when, why, where from.",
      discussion: """
        Reads the dead-letter topic from its beginning to its present end, and commits nothing. Letters that were \
        redriven or dismissed are left out without --all.

        Examples:
          souk dlq ls gogobe.files.downloaded
          souk dlq ls market-ticks --since 2h --code bad_timestamp -o json
        """, aliases: ["list"])
    @Argument(help: "The topic, with or without '.dlq'.") var topic: String
    @Option(help: "The most letters to print, the newest; the rest is counted.") var limit = 100
    @Flag(help: "Also those that were redriven or dismissed.") var all = false
    @OptionGroup(title: "Which") var filter: LetterFilter
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func validate() throws {
      if limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() async throws {
      let book = LetterBook(cluster: try Cluster(kafka))
      let letters = try await book.letters(of: DeadLettersCommand.origin(topic), where: filter)
      output.print(LetterReport(letters: letters, limit: limit, all: all).report)
    }
  }

  /// `souk dlq show`
  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "A dead letter with everything that is known of it.",
      discussion: """
        Examples:
          souk dlq show gogobe.files.downloaded 3@17
          souk dlq show gogobe.files.downloaded 3@17 -o yaml
        """)
    @Argument(help: "The topic, with or without '.dlq'.") var topic: String
    @Argument(help: "Where the letter lies, as `souk dlq ls` prints it.") var letter: String
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func validate() throws { _ = try DeadLettersCommand.ids([letter]) }

    func run() async throws {
      let book = LetterBook(cluster: try Cluster(kafka))
      let found = try await book.letters(
        of: DeadLettersCommand.origin(topic), where: LetterFilter.parse([]), DeadLettersCommand.ids([letter]))
      for letter in found {
        let detail = LetterDetail(letter)
        switch output.output {
        case .table: print(detail.lines(Terminal.standardOutput.isWide(output.wide)).joined(separator: "\n"))
        case .json: print(detail.data.prettyJSON)
        case .yaml: print(detail.data.yaml)
        }
      }
    }
  }
}
