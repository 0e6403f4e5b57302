import Core
import Foundation
import LocalServers
import TestSupport
import Yams

/// With the repository's configuration, except for its targets and its interval of one second.
extension PrivatePrometheus {
  /// One process to scrape.
  struct Target: Hashable, Sendable {
    /// The name in compose's DNS.
    var service: String
    var port: UInt16
  }

  static func start(_ targets: [Target]) async throws -> PrivatePrometheus {
    try await start { try configuration(targets, port: $0) }
  }

  /// The repository's file with fixed addresses in the place of DNS: relabelling sees what it would see there.
  private static func configuration(_ targets: [Target], port: UInt16) throws -> String {
    var root = try Repository.yaml("compose/prometheus/prometheus.yml")
    root["global"] = ["scrape_interval": "1s", "evaluation_interval": "1s"]
    root["alerting"] = nil
    root["rule_files"] = [Repository.path("compose/prometheus/rules/*.yml")]
    var jobs = root["scrape_configs"] as? [[String: Any]] ?? []
    for index in jobs.indices {
      if jobs[index].removeValue(forKey: "dns_sd_configs") != nil {
        jobs[index]["static_configs"] = targets.map { target in
          ["targets": ["127.0.0.1:\(target.port)"], "labels": ["__meta_dns_name": target.service]] as [String: Any]
        }
      } else {
        jobs[index]["static_configs"] = [["targets": ["127.0.0.1:\(port)"]]]
      }
    }
    root["scrape_configs"] = jobs
    return try Yams.dump(object: root)
  }

  // MARK: Questions

  /// How many series an expression gives now.
  /// - Throws: Prometheus' error.
  func count(_ expression: String) async throws -> Int {
    let data = try await ask("/api/v1/query?query=\(PercentEncoding.encode(expression))")
    // A scalar is one number.
    return data["resultType"] as? String == "scalar" ? 1 : (data["result"] as? [Any] ?? []).count
  }

  /// The one number an expression gives now; nil when it gives none.
  func value(_ expression: String) async throws -> Double? {
    let data = try await ask("/api/v1/query?query=\(PercentEncoding.encode(expression))")
    let first = (data["result"] as? [[String: Any]])?.first
    return ((first?["value"] as? [Any])?.last as? String).flatMap { Double($0) }
  }

  /// Rules that could not be evaluated, with the reason.
  func brokenRules() async throws -> [String] {
    let groups = try await ask("/api/v1/rules")["groups"] as? [[String: Any]] ?? []
    return groups.flatMap { $0["rules"] as? [[String: Any]] ?? [] }
      .filter { $0["health"] as? String == "err" }
      .map { "\($0["name"] ?? ""): \($0["lastError"] ?? "")" }
  }

  private struct Refusal: Error, CustomStringConvertible {
    var description: String
  }

  private func ask(_ path: String) async throws -> [String: Any] {
    let answer = await LoopbackHTTP.shared.get(port: port, path: path, timeout: .seconds(60))
    let body = answer?.body ?? "no answer"
    guard let root = try? JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any],
      root["status"] as? String == "success", let data = root["data"] as? [String: Any]
    else { throw Refusal(description: String(body.prefix(500))) }
    return data
  }
}
