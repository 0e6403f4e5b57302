import Catalogue
import Core
import Foundation
import HTTP
import ObjectStore
import Operations
import Postgres

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
