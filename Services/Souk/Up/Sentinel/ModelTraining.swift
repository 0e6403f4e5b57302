import Foundation
import LocalServers
import Markets
import Runtime
import Schemas

/// Trains the models of a demonstration on what the simulated providers say of the days before it, with the programs
/// of `Services/InferenceWorker/Training`.
struct ModelTraining: Sendable {
  let catalogue: MarketCatalogue
  let port: UInt16
  let folder: RunFolder
  /// A folder.
  let registry: String
  /// RFC 3339: what is later is not learnt from.
  let end: String
  let screen: Screen
  let stopping: Interruption

  /// Hours of each series.
  private static let hours = 240
  /// Of so many countries: enough to learn from, and soon done.
  private static let countries = 4
  private static let driver = "brent"

  fileprivate struct Program {
    var script: String
    var csv: String
    var arguments: [String]
  }

  func run() async throws {
    let scripts = try Self.scripts()
    let oil = try await values(of: "brent", country: RoutingKey.world.country, kind: .price, currency: "USD")
    let drivers = Dictionary(oil, uniquingKeysWith: { $1 })
    try await write(.polymer, .price, drivers: drivers)
    try await write(.shielding, .price)
    try await write(.screening, .demand)
    let common = ["--version", "1", "--period", "3600", "--windows", "4000"]
    var programs = [
      Program(script: "train_xgboost.py", csv: "polymer", arguments: [
        "--driver", "\(Self.driver)=global.world.energy.brent", "--history", "16",
      ]),
      Program(script: "train_lstm.py", csv: "shielding", arguments: ["--history", "16", "--context", "15"]),
      Program(script: "train_deepar.py", csv: "shielding", arguments: ["--history", "18", "--context", "12"]),
    ]
    programs += ["croston", "sba", "tsb"].map {
      Program(script: "train_croston.py", csv: "screening", arguments: [
        "--history", "16", "--method", $0, "--name", "screening-\($0)",
      ])
    }
    for program in programs {
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

  /// The folder of the programs: above the executable, as it lies in a working copy.
  private static func scripts() throws -> String {
    var folder = LocalServers.Program.ownFolder
    while folder.count > 1 {
      let candidate = folder + "/Services/InferenceWorker/Training"
      if FileManager.default.fileExists(atPath: candidate + "/train_xgboost.py") { return candidate }
      folder = (folder as NSString).deletingLastPathComponent
    }
    throw Failure(
      .configuration, code: "no_training",
      "Services/InferenceWorker/Training is not above \(LocalServers.Program.ownFolder); run souk from a working copy")
  }

  private func csv(_ name: String) -> String { folder.file("training-\(name).csv") }

  private func write(
    _ category: MarketCategory, _ kind: SeriesKind, drivers: [String: String]? = nil
  ) async throws {
    var text = "series,kind,observed_at,value" + (drivers == nil ? "" : ",\(Self.driver)") + "\n"
    let chosen = Set(catalogue.countries.prefix(Self.countries).map(\.name))
    for series in catalogue.series where series.material.category == category {
      guard let country = series.country, chosen.contains(country.name) else { continue }
      let rows = try await values(
        of: series.material.word, country: country.word, kind: kind, currency: series.currency ?? "USD")
      for (time, value) in rows {
        text += "\(series.key),\(kind.rawValue),\(time),\(value)"
        if let drivers { text += ",\(drivers[time] ?? "")" }
        text += "\n"
      }
    }
    try Data(text.utf8).write(to: URL(fileURLWithPath: csv(category.rawValue)))
  }

  /// Times and values as the simulator's tables write them, oldest first.
  private func values(
    of material: String, country: String, kind: SeriesKind, currency: String
  ) async throws -> [(String, String)] {
    let path = "/training/series/\(material)/\(country).csv?kind=\(kind.rawValue)&currency=\(currency)"
      + "&at=\(end)&points=\(Self.hours + 1)"
    guard let answer = await LoopbackHTTP.shared.get(port: port, path: path, timeout: .seconds(30)),
      answer.status == 200
    else {
      throw Failure(.fatal, code: "no_history", "provider-simulator does not answer \(path)")
    }
    return answer.body.split(whereSeparator: \.isNewline).dropFirst().dropLast().compactMap { line in
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      return cells.count >= 4 ? (String(cells[0]), String(cells[3])) : nil
    }
  }
}

extension ModelTraining.Program {
  /// Debian's own: the libraries are its packages.
  static func python() throws -> String {
    try LocalServers.Program.require("/usr/bin/python3", package: "the Debian package python3")
  }
}
