import ArgumentParser
import Catalogue
import Core
import Kafka
import Operations
import Options
import ServiceKit

/// `souk lag`
struct LagCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lag", abstract: "How far each consumer group is behind, in records and in time.",
    discussion: """
      LAG counts the records from the committed offsets to the ends of the topics. TIME LAG is the age of the oldest \
      of them, read from the topic. RATE is what the group commits a second between two looks, DRAIN how long the rest \
      takes at that rate and the present inflow. Verdicts: ok; slow (older than --slow-after, and working); stuck (the \
      same, and nothing was committed between the looks); stopped (no member); never ran (no member and no commit). \
      archiver and s3-consumer commit what they hold with its object, minutes later.

      Exits with 2 when a group is beyond --max-lag or --max-time-lag.

      Examples:
        souk lag
        souk lag db-writer --partitions
        souk lag --system prices --max-time-lag 15m || notify
        souk lag -o json | jq '.groups[] | select(.verdict != "ok") | .group'
      """)

  @Argument(help: "Only these groups; the name of a service stands for all of its groups.")
  var groups: [String] = []

  @Option(help: "Only the groups of this system.")
  var system: FleetSystem?

  @Flag(help: "One line for each topic of a group.")
  var topics = false

  @Flag(help: "One line for each partition, with committed and end offsets.")
  var partitions = false

  @Option(help: ArgumentHelp("Time between the two looks that rates are made of; 0s for one look.",
                             valueName: "duration"))
  var over = DurationSetting(.seconds(2))

  @Option(help: ArgumentHelp("How old the oldest waiting record may be before a group is slow or stuck.",
                             valueName: "duration"))
  var slowAfter = DurationSetting(.seconds(600))

  @Option(help: ArgumentHelp("Exit with 2 when a group is further behind.", valueName: "records"))
  var maxLag: Int?

  @Option(help: ArgumentHelp("Exit with 2 when a record waits longer.", valueName: "duration"))
  var maxTimeLag: DurationSetting?

  @OptionGroup var output: OutputOptions
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func validate() throws { _ = try chosen() }

  private func chosen() throws -> [ConsumerGroup] {
    let services = system?.services ?? ServiceCatalogue.all
    if groups.isEmpty { return services.flatMap(\.groups) }
    return try groups.flatMap { name in
      let found = services.flatMap { service in
        service.groups.filter { $0.name == name || service.name == name }
      }
      guard found.isEmpty else { return found }
      let known = services.flatMap(\.groups).map(\.name)
      let near = nearestName(to: name, among: known).map { "did you mean '\($0)'?" }
      throw ValidationError("no group is called '\(name)'; \(near ?? "there are \(known.joined(separator: ", "))")")
    }
  }

  func run() async throws {
    let survey = LagSurvey(cluster: try Cluster(kafka))
    let readings = try await survey.read(try chosen(), window: over.duration)
    let detail: LagReport.Detail = partitions ? .partition : topics ? .topic : .group
    output.print(LagReport(readings: readings, slowAfter: slowAfter.duration).report(by: detail))
    if let silent = readings.first(where: { $0.silence != nil }) {
      throw Failure(
        .transient, code: "lag_unknown", """
        the brokers did not say how far \(readings.count { $0.silence != nil }) groups are; \(silent.group): \
        \(silent.silence ?? "")
        """)
    }
    if readings.contains(where: { $0.exceeds(records: maxLag, age: maxTimeLag?.duration) }) { throw ExitCode(2) }
  }
}
