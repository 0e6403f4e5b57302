import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Operations
import ServiceKit

/// `souk topics`
struct TopicsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topics", abstract: "The catalogue of topics, and how a cluster differs from it.",
    discussion: """
      Examples:
        souk topics list --system prices
        souk topics plan --system prices --kafka-bootstrap-servers broker:9092
        souk topics describe gogobe.files.discovered
        souk topics acls parser --commands
      """,
    subcommands: [
      ListCommand.self, DescribeCommand.self, PlanCommand.self, ApplyCommand.self, AccessCommand.self,
      AsyncAPICommand.self,
    ])

  static func chosen(_ system: FleetSystem?) -> [Topic] { system?.topics ?? Topics.allWithDeadLetters }

  struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Print the catalogue; works offline.",
      discussion: """
        Examples:
          souk topics list
          souk topics list --system lambda -o json | jq -r '.topics[].topic'
        """)
    @Option(help: "Only the topics of this system.") var system: FleetSystem?
    @Flag(help: "Leave dead-letter topics out.") var noDeadLetters = false
    @OptionGroup var output: OutputOptions

    func run() { output.print(report) }

    var report: Report {
      var report = Report("topics", [
        .text("topic", "TOPIC"), .number("partitions", "PARTITIONS", rank: 2),
        .text("retention", "RETENTION", rank: 1), .text("key", "KEY", least: 12, rank: 3),
        .text("ordered_by", "ORDERED BY", least: 10, rank: 4), .hidden("schema"),
        .text("summary", "A RECORD SAYS", least: 30),
      ])
      let letters = Set(Topics.all.map(\.deadLetterName))
      for topic in TopicsCommand.chosen(system) where !noDeadLetters || !letters.contains(topic.name) {
        report.append([
          .text(topic.name), .count(Int(topic.partitions)), .text(kept(topic)), .text(topic.key),
          .text(topic.orderedBy), .text(topic.schema.description), .text(topic.summary),
        ])
      }
      return report
    }
  }

  struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "plan", abstract: "Show what 'apply' would change; changes nothing.",
      discussion: """
        Prints the differences only. Exits with 0 when nothing is missing, with 2 when something is.

        Examples:
          souk topics plan
          souk topics plan --system prices --all
        """)
    @Option(help: "Only the topics of this system.") var system: FleetSystem?
    @Flag(help: "Also topics that are as they should be.") var all = false
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func run() async throws {
      let plan = try await Cluster(kafka).plan(TopicsCommand.chosen(system))
      output.print(plan.report(all: all))
      if !plan.isSettled { throw ExitCode(2) }
    }
  }

  struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "apply", abstract: "Create the topics that are missing; existing topics stay as they are.",
      discussion: """
        Examples:
          souk topics apply --system prices
          souk topics apply --replication-factor 3
          souk topics apply --dry-run
        """)
    @Option(help: "Only the topics of this system.") var system: FleetSystem?
    @OptionGroup var output: OutputOptions
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    @Option(help: ArgumentHelp("Copies of each new topic; without it, the cluster's default.", valueName: "count"))
    var replicationFactor: Int?

    @Flag(help: "The same as 'plan'.") var dryRun = false

    func validate() throws {
      if let replicationFactor, replicationFactor < 1 {
        throw ValidationError("--replication-factor must be at least 1")
      }
    }

    func run() async throws {
      let cluster = try Cluster(kafka)
      let plan = try await cluster.plan(TopicsCommand.chosen(system))
      if dryRun {
        output.print(plan.report())
        if !plan.isSettled { throw ExitCode(2) }
        return
      }
      try await cluster.apply(plan, replicationFactor: replicationFactor)
      output.print(plan.report(created: true))
    }
  }

  /// `souk topics acls`
  struct AccessCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "acls", abstract: "What each service has to be allowed on the cluster; works offline.",
      discussion: """
        The least that the work of a service needs, for a cluster with access control. IdempotentWrite is granted by \
        Write on any topic since Kafka 3.0; the transactional id is used with --delivery exactly-once only.

        Examples:
          souk topics acls db-writer
          souk topics acls parser --commands --principal User:CN=parser
          souk topics acls --system prices --topic-prefix staging.
        """)
    @Argument(help: "Only these services.") var services: [String] = []
    @Option(help: "Only the services of this system.") var system: FleetSystem?
    @Flag(help: "Print the commands of Apache Kafka that grant it.") var commands = false
    @Option(help: ArgumentHelp("For the commands (default: User:<service>).", valueName: "principal"))
    var principal: String?
    @OptionGroup var fleet: FleetNameOptions
    @OptionGroup var output: OutputOptions

    private func chosen() throws -> [ServiceEntry] {
      let all = system?.services ?? ServiceCatalogue.all
      if let wrong = services.first(where: { name in !all.contains { $0.name == name } }) {
        let near = nearestName(to: wrong, among: all.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
        throw ValidationError("no service is called '\(wrong)'\(near)")
      }
      return all.filter { services.isEmpty || services.contains($0.name) }
    }

    func validate() throws { _ = try chosen() }

    func run() throws {
      let access = try chosen().map { ServiceAccess($0, names: fleet.names) }
      if commands {
        let lines = access.flatMap { $0.commands(principal: principal ?? "User:\($0.service)") }
        return print(lines.joined(separator: "\n"))
      }
      output.print(Self.report(access))
    }

    static func report(_ access: [ServiceAccess]) -> Report {
      var report = Report("acls", [
        .text("service", "SERVICE"), .text("resource", "RESOURCE"), .text("name", "NAME", least: 16), .hidden("prefix"),
        .text("operations", "OPERATIONS"),
      ])
      for access in access {
        for rule in access.rules {
          report.append([
            .text(access.service), .text(rule.resource.rawValue),
            .init(.text(rule.name), rule.name + (rule.isPrefix ? "*" : "")), .init(.bool(rule.isPrefix), ""),
            .init(.list(rule.operations.map { .text($0) }), rule.operations.joined(separator: ", ")),
          ])
        }
      }
      return report
    }
  }
}
