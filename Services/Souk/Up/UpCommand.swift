import ArgumentParser
import Catalogue
import Core
import Foundation
import HTTP
import Kafka
import ObjectStore
import Operations
import Options
import Postgres
import ServiceKit

/// `souk up`
struct UpCommand: AsyncParsableCommand, OperatorTool {
  static let environmentPrefix = SoukCommand.environmentPrefix
  static let formerVariables = SoukCommand.formerVariables
  static func sharesWithServices(_ option: String) -> Bool { SoukCommand.sharesWithServices(option) }

  static let configuration = CommandConfiguration(
    commandName: "up",
    abstract: "Start a whole system locally, load sample data, and print example queries.",
    discussion: """
      Starts an embedded Kafka broker, the private servers and the simulated source that the system needs, and its \
      services. A server or source is replaced by a real one where its address is given (DATABASE_URL, \
      KAFKA_BOOTSTRAP_SERVERS, S3_ENDPOINT, --influx-url, --prices, --bars). \(EmbeddedBroker.limits)
      Stops on Ctrl-C, every part in the reverse order of its start; a second Ctrl-C ends everything at once. \
      A service that ends unexpectedly is started again; one that reports a wrong setting stops the fleet.

      Examples:
        souk up
        souk up --system egx --bars ~/bars --exit
        souk up --replicas crawler=2,parser=2
        souk up --prices ~/prices --run-folder /tmp/prices-run
      """)

  @OptionGroup(title: "Fleet") var fleet: UpOptions
  @OptionGroup(title: "Real parts instead of embedded ones") var parts: EmbeddedParts
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func run() async throws {
    try UpRun.check(fleet, parts, kafka)
    let screen = Screen.standardOutput()
    let stopping = stopSignals { screen.say("stopping… press Ctrl-C again to kill everything now") }
    let run = UpRun(
      options: fleet, parts: parts, kafka: kafka, replicas: try Replicas(text: fleet.replicas),
      folder: try RunFolder(fleet.runFolder), screen: screen, stopping: stopping)
    try await run.run()
  }
}

extension FleetSystem: ExpressibleByArgument {
  /// By its name, or another one of its profiles in compose.
  package init?(argument: String) {
    guard let system = Self.allCases.first(where: { $0.profiles.contains(argument) }) else { return nil }
    self = system
  }
}

/// What `souk up` starts, and what it finds already there.
struct UpOptions: ParsableArguments {
  @Option(help: ArgumentHelp("YAML file with these settings, as `souk init` prints it.", valueName: "path"))
  var config: String?

  @Option(help: "Which system to run.")
  var system = FleetSystem.prices

  @Option(help: ArgumentHelp(
    "Folder of real price files to crawl; without it, a simulated portal serves an invented catalogue.",
    valueName: "folder"))
  var prices: String?

  @Option(help: ArgumentHelp(
    "Folder of <SYMBOL>.csv to replay with --system egx; without it, invented bars of two days.",
    valueName: "folder"))
  var bars: String?

  @Option(help: ArgumentHelp("Processes per service: parser=2,db-writer=2.", valueName: "service=n,…"))
  var replicas = ""

  @Flag(inversion: .prefixedNo, help: """
    Stop when everything has reached the database and the questions are answered. Without either flag: when \
    standard output is no terminal.
    """)
  var exit: Bool?

  @Flag(help: "With --system lambda: take Kafka, Redis and Dask away in the end, and show what is answered meanwhile.")
  var outages = false

  @Option(help: ArgumentHelp(
    "With --exit: give up with exit code 1 when not everything has arrived by then.", valueName: "duration"))
  var deadline = DurationSetting(.seconds(900))

  @Option(help: ArgumentHelp(
    "Folder for logs and, with --object-store file:, for objects: new, empty, or of an earlier run, whose files go.",
    valueName: "folder"))
  var runFolder = ".souk/run"

  @Option(help: ArgumentHelp("How long each service may take to drain when the fleet stops.", valueName: "duration"))
  var drainTimeout = DurationSetting(.seconds(25))

  func validate() throws {
    do { _ = try Replicas(text: replicas) } catch { throw ValidationError(error.message) }
    guard !outages || system == .lambda else { throw ValidationError("--outages is of --system lambda") }
  }
}

/// The parts that `souk up` brings along, unless told where the real ones are.
struct EmbeddedParts: ParsableArguments {
  @Option(help: ArgumentHelp(
    "A PostgreSQL to use instead of a private one: postgresql://user:password@host/database.", valueName: "url"))
  var databaseURL: String?

  @Option(help: ArgumentHelp("An S3 server to use instead of a private SeaweedFS; with AWS_* set.", valueName: "url"))
  var s3Endpoint: String?

  @Option(help: ArgumentHelp(
    "An InfluxDB 1.x to use instead of a private one, with INFLUX_USER and INFLUX_PASSWORD if it asks for them.",
    valueName: "url"))
  var influxURL: String?

  @Option(help: ArgumentHelp(
    "Where files are kept: s3://bucket, file:///folder, or file: for a folder of this run.", valueName: "url"))
  var objectStore: String?
}

/// Where the files of a run go.
enum ObjectStoreChoice: Hashable, Sendable {
  case embedded
  /// What the services are told.
  case given(objectStore: String, endpoint: String?)

  /// - Parameter objects: the folder that `file:` means.
  init(_ parts: EmbeddedParts, objects: @autoclosure () throws -> String) rethrows {
    switch (parts.objectStore, parts.s3Endpoint) {
    case (nil, nil): self = .embedded
    case ("file:", _): self = .given(objectStore: "file://\(try objects())", endpoint: nil)
    case (let store?, let endpoint): self = .given(objectStore: store, endpoint: endpoint)
    case (nil, let endpoint?): self = .given(objectStore: "s3://souk", endpoint: endpoint)
    }
  }

  /// For the services' environment. Of the credentials of the caller's environment, a private server must not see
  /// any.
  static func embeddedEnvironment(_ server: [String: String]) -> [String: String?] {
    var environment: [String: String?] = ["OBJECT_STORE": "s3://souk"]
    for name in ["AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "S3_ADDRESSING", "S3_CA_FILE"] {
      environment[name] = .some(nil)
    }
    for (name, value) in server { environment[name] = value }
    return environment
  }

  var environment: [String: String?] {
    switch self {
    case .embedded: [:]
    case .given(let store, let endpoint):
      endpoint.map { ["OBJECT_STORE": store, "S3_ENDPOINT": $0] } ?? ["OBJECT_STORE": store]
    }
  }
}

/// What can be wrong in the arguments of `souk up`, found before a server starts or the run folder is touched.
extension UpRun {
  /// - Throws: of class configuration: what is wrong, and in which setting.
  static func check(_ options: UpOptions, _ parts: EmbeddedParts, _ kafka: ClusterOptions) throws {
    for (option, input, system) in [("--prices", options.prices, FleetSystem.prices), ("--bars", options.bars, .egx)] {
      guard let input else { continue }
      guard options.system == system else {
        throw refused("\(option) is for --system \(system.rawValue), and this is \(options.system.rawValue)")
      }
      try RunFolder.require(input, option: option, outside: options.runFolder)
    }
    for name in try Replicas(text: options.replicas).names where !options.system.services.contains(where: {
      $0.name == name
    }) {
      let known = options.system.services.map(\.name).joined(separator: ", ")
      throw refused("--replicas: '\(name)' is not in --system \(options.system.rawValue), which has \(known)")
    }
    if kafka.bootstrapServers != nil { _ = try Cluster(kafka) }
    if let url = parts.databaseURL {
      _ = try PostgresConfiguration(url: url, applicationName: "souk").parameters()
    }
    if let url = parts.influxURL {
      do { _ = try HTTPURL(url) } catch { throw refused("--influx-url: \(error)") }
    }
    if case .given(let store, let endpoint) = ObjectStoreChoice(parts, objects: "/objects") {
      _ = try ObjectLocation(store)
      if let endpoint {
        do { _ = try HTTPURL(endpoint) } catch {
          throw refused("--s3-endpoint: \(error); write it as http://host:port")
        }
      }
    }
    try shown(options.system).check(options)
  }

  static func shown(_ system: FleetSystem) -> any ShownSystem {
    switch system {
    case .prices: PriceSystem()
    case .egx: EGXSystem()
    case .sentinel: SentinelSystem()
    case .lambda: LambdaSystem()
    }
  }

  private static func refused(_ reason: String) -> Failure { Failure(.configuration, code: "bad_argument", reason) }
}
