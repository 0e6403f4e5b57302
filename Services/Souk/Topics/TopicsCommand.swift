import ArgumentParser
import Catalogue
import ServiceKit

/// `souk topics`
struct TopicsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topics", abstract: "The catalogue of topics, and how a cluster differs from it.",
    subcommands: [ListCommand.self, PlanCommand.self, ApplyCommand.self])

  struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Print the catalogue; asks no cluster.")

    func run() {
      var table = TextTable([
        "TOPIC", .right("PARTITIONS"), .right("RETENTION"), "KEY", "ORDERED BY", "WHAT A RECORD SAYS",
      ])
      for topic in Topics.allWithDeadLetters {
        table.append([
          topic.name, "\(topic.partitions)", kept(topic), topic.key, topic.orderedBy, topic.summary,
        ])
      }
      print(table.lines.joined(separator: "\n"))
    }
  }

  struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "plan", abstract: "Show what 'apply' would change; changes nothing.",
      discussion: "Exits with 0 when nothing is missing, with 2 when something is.")
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    func run() async throws {
      let plan = try await Cluster(kafka).plan()
      print(plan.lines.joined(separator: "\n"))
      if !plan.isSettled { throw ExitCode(2) }
    }
  }

  struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "apply", abstract: "Create the topics that are missing; what is there is left as it is.")
    @OptionGroup(title: "Kafka") var kafka: ClusterOptions

    @Option(help: "Copies of each new topic; without it, the cluster's default.")
    var replicationFactor: Int?

    func validate() throws {
      if let replicationFactor, replicationFactor < 1 {
        throw ValidationError("--replication-factor must be at least 1")
      }
    }

    func run() async throws {
      let cluster = try Cluster(kafka)
      let plan = try await cluster.plan()
      try await cluster.apply(plan, replicationFactor: replicationFactor)
      print(plan.lines.joined(separator: "\n"))
      print(plan.isSettled ? "nothing was missing" : "created \(plan.missing.count) topics")
    }
  }
}
