import Catalogue
import Core
import Foundation
import KafkaFlags
import PriceFiles

extension Surroundings {
  mutating func describeEveryService(drainTimeout: DurationSetting) {
    common["DRAIN_TIMEOUT"] = drainTimeout.description
    common["LOG_FORMAT"] = "json"
    common["HTTP_HOST"] = "127.0.0.1"
    // One name for several processes would make them throw each other out of their group.
    common["GROUP_INSTANCE_ID"] = .some(nil)
  }

  /// Adds what the services of the price pipeline must be told besides where the servers are.
  /// - Parameters:
  ///   - sources: of the crawler: a folder, or chains of the portal on this machine.
  ///   - state: where the crawlers remember what they announced.
  mutating func describePriceServices(sources: [String], state: String) {
    let folders = sources.filter { $0.hasPrefix("dir:") }.map { String($0.dropFirst(4)) }
    arguments["crawler"] = sources.flatMap { ["--source", $0] }
      + ["--state", state, "--interval", "30s"]
    // The answers at the end read the materialized views.
    // Decisions about masters come from the operator, from no service.
    let topics = FleetSystem.prices.inputs(of: ServiceCatalogue.dbWriter) + [Topics.masterDecisions]
    let tables = topics.map(\.name).joined(separator: ",")
    arguments["db-writer"] = ["--refresh-interval", "2s", "--tables", tables]
    arguments["downloader"] = folders.flatMap { ["--allow-file-root", $0] }
    if folders.isEmpty {
      for service in ["crawler", "downloader"] { arguments[service, default: []].append("--allow-private-addresses") }
    }
  }

  /// The embedded broker does not see members leave: their partitions wait for the session time-out.
  mutating func useEmbeddedBroker(_ servers: String, _ fleet: FleetNameOptions) {
    self.servers[.kafka] = ["KAFKA_BOOTSTRAP_SERVERS": servers, "TOPIC_PREFIX": fleet.topicPrefix]
    for name in ["KAFKA_PROPERTIES", "KAFKA_PROPERTIES_FILE", "KAFKA_PROPERTY"] { common[name] = .some(nil) }
    members["KAFKA_PROPERTIES"] = "session.timeout.ms=6000,heartbeat.interval.ms=500"
  }
}

/// A folder with price files.
enum PriceFolder {
  /// The crawler's source for a folder.
  /// - Throws: `Failure` of class configuration when it is no folder.
  static func source(_ path: String) throws(Failure) -> String {
    var isFolder: ObjCBool = false
    let expanded = NSString(string: path).expandingTildeInPath
    guard FileManager.default.fileExists(atPath: expanded, isDirectory: &isFolder), isFolder.boolValue else {
      throw Failure(.configuration, code: "no_price_folder", "--prices: \(path) is not a folder")
    }
    return "dir:" + URL(fileURLWithPath: expanded).standardizedFileURL.path
  }

  /// Files whose names are no price file's, with what is wrong with each: the crawler leaves them out.
  static func misnamed(in source: String) -> [String] {
    let folder = FileManager.default.enumerator(
      at: URL(fileURLWithPath: String(source.dropFirst("dir:".count)), isDirectory: true),
      includingPropertiesForKeys: [.isRegularFileKey], options: [.skipsHiddenFiles])
    var found: [String] = []
    while let file = folder?.nextObject() as? URL {
      guard (try? file.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true else { continue }
      do { _ = try PriceFileName(file.lastPathComponent) } catch { found.append("\(file.lastPathComponent): \(error)") }
    }
    return found.sorted()
  }
}
