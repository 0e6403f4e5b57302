import ArgumentParser
import Catalogue
import Foundation
import Influx
import InfluxFlags
import ObjectStoreFlags
import ServiceKit
import Synchronization

/// Market data of the Egyptian Exchange: a recording at one end, InfluxDB and an object store at the other.
final class EGXSystem: ShownSystem {
  let system = FleetSystem.egx

  /// Where the bars began and where they end.
  private struct Ends: Sendable {
    var recorded: RecordedBars
    var influx: InfluxConfiguration
    var store: ObjectStoreOptions
    var isExact: Bool
  }
  private let ends = Mutex<Ends?>(nil)

  func check(_ options: UpOptions) throws {
    if let bars = options.bars { _ = try RecordedBars(folder: bars) }
  }

  func prepare(_ startup: inout Startup) async throws {
    let recorded = try Self.recording(startup)
    try await startup.startInfluxDB()
    try await startup.startObjectStore()
    try startup.surroundings.describeMarketServices(recorded, folder: startup.folder)
    startup.sources = 1
    let surroundings = startup.surroundings
    let influx = try InfluxOptions.parse(surroundings.flags(
      ["INFLUX_URL", "INFLUX_DATABASE", "INFLUX_USER", "INFLUX_PASSWORD", "INFLUX_CA_FILE"],
      of: ServiceCatalogue.influxConsumer))
    let store = try surroundings.objectStore(of: ServiceCatalogue.s3Consumer)
    let isExact = startup.parts.influxURL == nil && ObjectStoreChoice(startup.parts, objects: "") == .embedded
    let ends = Ends(recorded: recorded, influx: try influx.configuration(), store: store, isExact: isExact)
    self.ends.withLock { $0 = ends }
  }

  private static func recording(_ startup: Startup) throws -> RecordedBars {
    let folder: String
    if let given = startup.options.bars {
      folder = given
    } else {
      folder = try startup.folder.file("bars")
      try InventedBars().write(to: folder, before: Int64(Date.now.timeIntervalSince1970) / 86_400)
    }
    let recorded = try RecordedBars(folder: folder)
    startup.screen.say("\(startup.options.bars == nil ? "recorded " : "using    ") bars              "
      + "\(recorded.series.count) symbols, \(grouped(recorded.bars)) bars, in \(recorded.folder)"
      + (startup.options.bars == nil ? " (invented)" : ""))
    return recorded
  }

  func answers() async throws -> [String] {
    guard let ends = ends.withLock({ $0 }) else { return [] }
    let answers = MarketAnswers(
      recorded: ends.recorded,
      points: try await InfluxSide(configuration: ends.influx, interval: ends.recorded.interval).read(),
      stored: try await StoreSide(
        options: ends.store, prefix: "\(Surroundings.barFolder)/", interval: ends.recorded.interval).read(),
      isExact: ends.isExact)
    try answers.requireAgreement()
    return answers.lines
  }
}

extension Surroundings {
  /// First folder of the objects of bars.
  static let barFolder = "streaming"

  /// Adds what the services of the market data system must be told besides where the servers are.
  mutating func describeMarketServices(_ recorded: RecordedBars, folder: RunFolder) throws {
    arguments[ServiceCatalogue.egxProducer.name] = [
      "--source", "replay:\(recorded.folder)", "--speed", "\(recorded.speed)", "--interval", recorded.interval,
      "--intraday-candles", "--state", "file://\(try folder.file("state/egx-producer"))", "--stay",
    ]
    // The answers at the end read the objects.
    arguments[ServiceCatalogue.s3Consumer.name] = [
      "--rotate-interval", "1s", "--codec", "gzip", "--layout", "batch", "--key-prefix", Self.barFolder,
    ]
  }

  /// The object store that a service is told of.
  func objectStore(of service: ServiceEntry) throws -> ObjectStoreOptions {
    try ObjectStoreOptions.parse(flags([
      "OBJECT_STORE", "S3_ENDPOINT", "S3_ADDRESSING", "S3_CA_FILE", "AWS_REGION", "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE",
    ], of: service))
  }

  /// What a service is told by the variables of these names, as flags: `S3_ENDPOINT` is `--s3-endpoint`.
  func flags(_ names: [String], of service: ServiceEntry) -> [String] {
    let told = environment(of: service)
    return names.flatMap { name -> [String] in
      let value = if let mine = told[name] { mine } else { ProcessInfo.processInfo.environment[name] }
      guard let value, !value.isEmpty else { return [] }
      return ["--" + name.lowercased().replacing("_", with: "-"), value]
    }
  }
}
