import Catalogue
import Foundation
import LocalServers
import TestSupport

/// Bars of the exchange in InfluxDB and in an object store, or a folder on a small disk.
struct EGXFaults: Faultable {
  let stage: FaultStage
  let size: Int
  private let influx: Pool<PrivateInfluxDB>.Place
  private let database = "egx_" + TestServers.uniqueName()
  private let store: StoreOfSeed
  private let names: @Sendable (String) -> String

  private static let symbols = ["COMI", "ETEL", "EGX30", "A/B", "../up", "ÄÖ", "TMGH", "FWRY"]
  private static let groups = [ServiceCatalogue.influxConsumer.name, ServiceCatalogue.s3Consumer.name]

  init(_ folder: String, _ plan: FaultPlan, _ random: inout TestRandom) async throws {
    stage = try await FaultStage(folder, topics: [Topics.marketData], settings: plan.settings)
    size = plan.size ?? Int.random(in: 200...900, using: &random)
    influx = try await Pools.influx.take()
    store = try await StoreOfSeed(folder, plan)
    let end = plan.stallsNames ? "stalled.test" : "missing.test"
    names = { "\($0).\(end)" }
  }

  func start(_ service: String) async throws -> ServiceProcess {
    var environment = stage.environment(service)
    if service == ServiceCatalogue.influxConsumer.name {
      environment.merge([
        "INFLUX_URL": "http://\(names("influx")):\(influx.door.port)", "INFLUX_DATABASE": database,
        "INFLUX_CREATE_DATABASE": "true", "INFLUX_TIMEOUT": "3s", "LINGER": "50ms", "FLUSH_POINTS": "100",
      ]) { $1 }
    } else {
      environment.merge(store.environment) { $1 }
      environment.merge(["ROTATE_INTERVAL": "300ms", "ROTATE_RECORDS": "60"]) { $1 }
    }
    return try await ServiceProcess.start(service, environment: environment)
  }

  // MARK: Input

  private func symbol(_ number: Int) -> String { Self.symbols[number % Self.symbols.count] }
  /// Minutes of sessions of eight hours, the first on 2025-01-20.
  private func minute(_ number: Int) -> Int { number / Self.symbols.count }
  private func close(_ number: Int) -> Double { 10 + Double(number % 90) * 0.25 }
  private func time(_ number: Int) -> String {
    let minute = minute(number)
    return String(format: "2025-01-%02dT%02d:%02d:00", 20 + minute / 480, 10 + minute % 480 / 60, minute % 60)
  }
  /// In seconds since 1970: 10:00 in Cairo is 8:00 UTC.
  private func moment(_ number: Int) -> Int {
    1_737_360_000 + minute(number) / 480 * 86_400 + minute(number) % 480 * 60
  }

  func feed(_ parts: Range<Int>) async throws {
    try await stage.send(parts.map { number in
      let text = """
        {"symbol":"\(symbol(number))","exchange":"EGX","interval":"1 Minute","datetime":"\(time(number))",\
        "open":1.5,"high":99.5,"low":1.0,"close":\(close(number)),"volume":\(number)}
        """
      return .init(topic: Topics.marketData, key: symbol(number), value: Array(text.utf8))
    })
  }

  func poison(_ count: Int, _ random: inout TestRandom) async throws {
    let records = (0..<count).map { _ in
      let number = Int.random(in: 0..<1_000_000_000, using: &random)
      let text = [
        "no bar \(number)", #"{"symbol":"A","number":\#(number)}"#, #"{"symbol":"COMI","close":\#(number)"#,
        "[\(number)]",
      ].randomElement(using: &random) ?? ""
      return (FaultStage.Poison(topic: Topics.marketData, value: text, services: Set(Self.groups)), symbol(number))
    }
    try await stage.poison(records)
  }

  // MARK: Faults

  func begin(_ outage: String) async throws -> String? {
    let words = outage.split(separator: " ")
    if words[0] != "influx" { return try await store.begin(words[0], words[1], stage.names) }
    if try await influx.begin(words[1], stage.names) { return nil }
    await influx.server.halt()
    return nil
  }

  func attempts(_ outage: String) -> Int { outage.hasPrefix("influx") ? influx.door.connections : store.attempts }

  func heal() async throws {
    stage.names.recover()
    influx.heal()
    if !influx.server.isRunning { try await influx.server.resume() }
    store.heal()
  }

  // MARK: The oracle

  func processed(of fed: Int) async throws -> Double {
    var least = 1.0
    for group in Self.groups {
      let (done, there) = try await stage.progress(of: group, in: [Topics.marketData])
      least = min(least, there == 0 ? 1 : Double(done) / Double(there))
    }
    return least
  }

  func problems() async throws -> [String] { try await points() + objects() }

  private struct Answer: Decodable {
    struct Result: Decodable { var series: [Series]? }
    struct Series: Decodable {
      var tags: [String: String]
      var values: [[Double]]
    }
    var results: [Result]
  }

  private func points() async throws -> [String] {
    var ledger = Ledger("points", expected: (0..<size).map { number in
      "\(symbol(number)) \(moment(number)) \(close(number)) \(Double(number))"
    })
    let text = try await eventuallySome("InfluxDB answers") {
      await influx.server.query("SELECT close, volume FROM stock_price GROUP BY symbol", database: database)
    }
    for series in try JSONDecoder().decode(Answer.self, from: Data(text.utf8)).results.first?.series ?? [] {
      for row in series.values {
        ledger.find("\(series.tags["symbol"] ?? "") \(Int(row[0]) / 1_000_000) \(row[1]) \(row[2])")
      }
    }
    return ledger.problems
  }

  private struct Bar: Decodable {
    var symbol: String
    var datetime: String
    var volume: Int
  }

  private func objects() async throws -> [String] {
    var ledger = Ledger("objects", expected: (0..<size).map { "\(symbol($0)) \(time($0)) \($0)" })
    var strays: [String] = []
    for (key, line) in try await store.lines() {
      let bar = try JSONDecoder().decode(Bar.self, from: Data(line.utf8))
      ledger.find("\(bar.symbol) \(bar.datetime) \(bar.volume)")
      if !key.contains("/date=\(bar.datetime.prefix(10))/") { strays.append("objects: \(key) holds \(line)") }
    }
    return ledger.problems + strays.prefix(5)
  }

  func close() async {
    try? await heal()
    await Pools.influx.giveBack(influx)
    await store.close()
  }
}
