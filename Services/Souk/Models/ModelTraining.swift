import ArgumentParser
import Commodities
import Core
import Foundation
import HTTP
import LocalServers
import Options
import Values

/// Trains the models of a demonstration on the simulated providers' data of the days before it, with the programs of
/// `Services/InferenceWorker/Training`.
struct ModelTraining: Sendable {
  let catalogue: CommodityCatalogue
  /// The address of provider-simulator.
  let providers: HTTPURL
  /// Folder for the tables that the programs read.
  let tables: String
  /// A folder.
  let registry: String
  /// RFC 3339; later data is not used.
  let end: String
  /// Folder of the programs; nil: that of the working copy.
  var programs: String?
  let screen: Screen
  let stopping: Interruption

  /// The number of countries to train on: enough data, and fast.
  private static let countries = 4
  private static let driver = "brent"

  fileprivate struct Program {
    var script: String
    var csv: String
    var arguments: [String]
  }

  /// A marker file in every registry that `souk models train` creates.
  private static let marker = ".souk-models-train"

  /// Creates the registry, or accepts one of an earlier training; models of another origin must not be replaced.
  /// - Throws: `Failure` of class configuration for a folder with other contents.
  static func claim(_ registry: String) throws(Failure) {
    let present = (try? FileManager.default.contentsOfDirectory(atPath: registry)) ?? []
    guard present.isEmpty || present.contains(marker) else {
      throw Failure(
        .configuration, code: "foreign_registry",
        "\(registry) holds files that `souk models train` did not publish; name a new or empty folder")
    }
    do {
      try FileManager.default.createDirectory(atPath: registry, withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: "\(registry)/\(marker)"))
    } catch {
      throw Failure(
        .configuration, code: "registry_unwritable", "cannot write \(registry): \(error.localizedDescription)")
    }
  }

  func run() async throws {
    let scripts = try Self.scripts(programs)
    try Self.claim(registry)
    let history = try TrainingHistory(providers: providers, end: end)
    let oil = try await history.values(
      of: Self.driver, country: RoutingKey.world.country, kind: .price, currency: "USD")
    let drivers = Dictionary(oil.map { ($0.time, $0.value) }, uniquingKeysWith: { $1 })
    try await write(.polymer, .price, of: history, drivers: drivers)
    try await write(.shielding, .price, of: history)
    try await write(.screening, .demand, of: history)
    let common = ["--version", "1", "--period", "3600", "--windows", "8000"]
    var runs = [
      Program(script: Self.script, csv: "polymer", arguments: [
        "--driver", "\(Self.driver)=global.world.energy.brent", "--history", "16",
      ]),
      Program(script: "train_lstm.py", csv: "shielding", arguments: ["--history", "16", "--context", "15"]),
      Program(script: "train_deepar.py", csv: "shielding", arguments: ["--history", "18", "--context", "12"]),
    ]
    runs += ["croston", "sba", "tsb"].map {
      Program(script: "train_croston.py", csv: "screening", arguments: [
        "--history", "16", "--method", $0, "--name", "screening-\($0)",
      ])
    }
    for program in runs {
      if stopping.isRaised { throw CancellationError() }
      var launch = Launch(try Program.python(), [
        "\(scripts)/\(program.script)", csv(program.csv), registry,
      ] + common + program.arguments)
      launch.environment["PYTHONDONTWRITEBYTECODE"] = "1"
      let outcome = try await ChildProcess.run(launch, atMost: .seconds(600))
      let output = (outcome.output + outcome.errorOutput).split(separator: "\n")
      guard outcome.status.isSuccess else {
        throw Failure(
          .configuration, code: "training_failed",
          "\(program.script) ended with \(outcome.status); the models need the Debian packages python3-torch and "
            + "python3-xgboost (`make deps`):\n" + output.suffix(6).joined(separator: "\n"))
      }
      let said = (output.last.map(String.init) ?? "").replacingOccurrences(of: registry + "/", with: "")
      screen.say("trained   \(said)")
    }
  }

  /// The folder of the programs: the given one, or the one of the working copy above the executable.
  static func scripts(_ programs: String?) throws -> String {
    let ownFolder = LocalServers.Program.ownFolder
    if let programs {
      if hasScripts(programs) { return programs }
      throw Failure(.configuration, code: "no_training", "\(programs) has no \(script) of the training programs")
    }
    let folder = "Services/InferenceWorker/Training"
    if let found = LocalServers.Program.above("\(folder)/\(script)") { return String(found.dropLast(script.count + 1)) }
    throw Failure(
      .configuration, code: "no_training",
      "\(folder) is not above \(ownFolder); run souk from a working copy, or name the folder "
        + "of its programs (souk models train --training-programs)")
  }

  private static let script = "train_xgboost.py"

  private static func hasScripts(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(folder)/\(script)")
  }

  private func csv(_ name: String) -> String { "\(tables)/training-\(name).csv" }

  private func write(
    _ category: CommodityCategory, _ kind: SeriesKind, of history: TrainingHistory, drivers: [String: String]? = nil
  ) async throws {
    var text = "series,kind,observed_at,value" + (drivers == nil ? "" : ",\(Self.driver)") + "\n"
    let chosen = Set(catalogue.countries.prefix(Self.countries).map(\.name))
    for series in catalogue.series where series.material.category == category {
      guard let country = series.country, chosen.contains(country.name) else { continue }
      let rows = try await history.values(
        of: series.material.word, country: country.word, kind: kind, currency: series.currency ?? "USD")
      for (time, value) in rows {
        text += "\(series.key),\(kind.rawValue),\(time),\(value)"
        if let drivers { text += ",\(drivers[time] ?? "")" }
        text += "\n"
      }
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: csv(category.rawValue)))
  }
}

extension ModelTraining.Program {
  /// Debian's Python, because the libraries are Debian packages.
  static func python() throws -> String {
    try LocalServers.Program.require("/usr/bin/python3", package: "the Debian package python3")
  }
}

/// The data of provider-simulator before a demonstration begins.
final class TrainingHistory: Sendable {
  /// Hours per series: three months, whose newest fifth has quiet and volatile days to measure intervals on.
  private static let hours = 2_160

  private let client: HTTPClient
  private let providers: HTTPURL
  private let end: String

  /// - Parameters:
  ///   - providers: the simulator's address, without a path.
  ///   - end: RFC 3339, exclusive.
  init(providers: HTTPURL, end: String) throws {
    // The operator gave the address; the simulator runs on this machine or in a private network.
    client = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "training-history"))
    self.providers = providers
    self.end = end
  }

  deinit { client.close() }

  /// Times and values as in the simulator's tables, oldest first.
  /// - Throws: `HTTPError` when it does not answer with 200.
  func values(
    of material: String, country: String, kind: SeriesKind, currency: String
  ) async throws -> [(time: String, value: String)] {
    let url = try providers.resolving(
      "/training/series/\(material)/\(country).csv?kind=\(kind.rawValue)&currency=\(currency)"
        + "&at=\(end)&points=\(Self.hours + 1)")
    let answer = try await client.execute(HTTPRequest("GET", url, limits: HTTPLimits(totalTime: .seconds(30))))
    try answer.head.requireSuccess()
    return answer.text.split(whereSeparator: \.isNewline).dropFirst().dropLast().compactMap { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      return cells.count >= 4 ? (String(cells[0]), String(cells[3])) : nil
    }
  }
}

/// `souk models`
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "The models of a demonstration.",
    discussion: """
      Examples:
        souk models train --providers http://127.0.0.1:9000 --registry /var/lib/souk/registry
      """,
      subcommands: [TrainCommand.self])

  /// `souk models train`
  struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "train",
      abstract: "Train the models of a demonstration on what provider-simulator says, and publish them.",
      discussion: """
        The same six models as those of `souk up --system sentinel`. Needs the Debian packages python3-torch and \
        python3-xgboost. A version that an earlier training made is replaced; a folder with other models is refused. \
        Inference-workers see the new version when they look again.

        Examples:
          souk models train --providers http://127.0.0.1:9000 --registry /var/lib/souk/registry
        """)

    @Option(help: ArgumentHelp("Where provider-simulator answers: http://host:port.", valueName: "url"))
    var providers: String

    @Option(help: ArgumentHelp(
      "Folder to publish into; inference-workers read it with --models file:///folder.", valueName: "folder"))
    var registry: String

    @Option(help: ArgumentHelp(
      "What is later is not learnt from: the time at which the demonstration begins.", valueName: "time"))
    var until = SentinelDays.from

    @Option(help: ArgumentHelp(
      "Folder of the training programs (default: Services/InferenceWorker/Training above this program).",
      valueName: "folder"))
    var trainingPrograms: String?

    @OptionGroup(title: "Catalogue") var markets: CommodityOptions

    func run() async throws {
      let screen = Screen.standardOutput()
      let stopping = stopSignals { screen.say("stopping after this model; once more ends at once") }
      let tables = try PrivateFolder("training")
      defer { tables.remove() }
      do {
        try await ModelTraining(
          catalogue: try CommodityCatalogue.load(file: markets.catalogue), providers: try HTTPURL(providers),
          tables: tables.path, registry: registry, end: until, programs: trainingPrograms, screen: screen,
          stopping: stopping
        ).run()
      } catch is CancellationError {
        throw Failure(.fatal, code: "stopped", "stopped before all models were trained")
      }
    }
  }
}
