import Core
import Foundation
import HTTP
import LocalServers
import Synchronization

/// Where the processes of a fleet answer.
package struct FleetAddresses: Sendable {
  /// `host:port`
  package var addresses: [String]
  /// One address a line.
  package var file: String?
  /// Names with an address for each process, `host:port`, as headless services have.
  package var names: [String]
  /// A Prometheus whose active targets they are.
  package var prometheus: String?

  package init(addresses: [String] = [], file: String? = nil, names: [String] = [], prometheus: String? = nil) {
    (self.addresses, self.file, self.names, self.prometheus) = (addresses, file, names, prometheus)
  }

  /// What `souk up` writes in its run folder.
  package static let standardFile = ".souk/run/addresses"

  /// Whether nothing is named: then it is the file of `souk up`.
  package var isEmpty: Bool { addresses.isEmpty && file == nil && names.isEmpty && prometheus == nil }

  /// - Throws: `Failure` of class configuration for what cannot be an address.
  package func validate() throws(Failure) {
    if let text = (addresses + names).first(where: { HostPort($0) == nil }) {
      throw Failure(.configuration, code: "bad_address", "'\(text)' is not host:port")
    }
    guard let prometheus else { return }
    do { _ = try HTTPURL(prometheus) } catch {
      throw Failure(.configuration, code: "bad_address", "the address of Prometheus: \(error)")
    }
  }
}

/// `host:port`
package struct HostPort: Hashable, Sendable {
  package var host: String
  package var port: UInt16

  package init?(_ text: some StringProtocol) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0,
      colon > text.startIndex
    else { return nil }
    (host, self.port) = (String(text[..<colon]), port)
  }

  package var text: String { "\(host):\(port)" }
}

/// Asks the processes of a fleet for their metrics and their readiness.
package struct FleetProbe: Sendable {
  /// What one process says.
  package struct Answer: Sendable {
    package var address: String
    package var service: String
    package var samples: MetricSamples
    /// nil when it is ready, otherwise why it is not.
    package var unready: String?
  }

  package struct Look: Sendable {
    package var answers: [Answer] = []
    /// Addresses that did not answer, and why.
    package var silent: [(address: String, reason: String)] = []
    package var at = ContinuousClock.now

    package init() {}
  }

  private let http: HTTPClient
  private let options: FleetAddresses

  package init(_ options: FleetAddresses) throws {
    try options.validate()
    self.options = options
    http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "probe"))
  }

  package func close() { http.close() }

  /// - Throws: `Failure` of class configuration when no address is known.
  package func look() async throws -> Look {
    let addresses = try await addresses()
    return await withTaskGroup(of: Result<Answer, Silence>.self) { group in
      for address in addresses { group.addTask { await ask(address) } }
      var look = Look()
      for await result in group {
        switch result {
        case .success(let answer): look.answers.append(answer)
        case .failure(let silence): look.silent.append((silence.address, silence.reason))
        }
      }
      look.answers.sort { ($0.service, $0.address) < ($1.service, $1.address) }
      look.silent.sort { $0.address < $1.address }
      return look
    }
  }

  private struct Silence: Error {
    var address: String
    var reason: String
  }

  private func ask(_ address: String) async -> Result<Answer, Silence> {
    do {
      let metrics = try await get("http://\(address)/metrics")
      guard metrics.status == 200 else {
        return .failure(Silence(address: address, reason: "/metrics answers \(metrics.status)"))
      }
      let samples = MetricSamples(text: metrics.body)
      let service = samples.samples.first { $0.name == "souk_build_info" }?.labels["service"]
      guard let service else { return .failure(Silence(address: address, reason: "is no service of the fleet")) }
      let ready = try await get("http://\(address)/readyz")
      return .success(Answer(
        address: address, service: service, samples: samples,
        unready: ready.status == 200 ? nil : Self.reasons(ready.body)))
    } catch {
      return .failure(Silence(address: address, reason: "\(error)"))
    }
  }

  /// The conditions that are not met, in words.
  package static func reasons(_ body: String) -> String {
    guard case .list(let checks)? = DataValue(parsing: Array(body.utf8))?["checks"] else {
      return body.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    return checks.compactMap { check in
      guard check["ok"] == .bool(false), case .text(let name)? = check["name"] else { return nil }
      if case .text(let reason)? = check["reason"], !reason.isEmpty { return "\(name): \(reason)" }
      return name
    }.joined(separator: "; ")
  }

  private func get(_ url: String) async throws -> (status: Int, body: String) {
    var request = HTTPRequest("GET", try HTTPURL(url))
    request.limits.totalTime = .seconds(5)
    let answer = try await http.execute(request)
    return (answer.head.status, String(decoding: answer.body, as: UTF8.self))
  }

  private func addresses() async throws -> [String] {
    var found = options.addresses
    let path = options.file ?? (options.isEmpty ? FleetAddresses.standardFile : nil)
    if let path { found += try Self.read(file: path, isDefault: options.file == nil) }
    for name in options.names {
      guard let address = HostPort(name) else { continue }
      found += try Self.resolve(address).map { "\($0):\(address.port)" }
    }
    if let prometheus = options.prometheus { found += try await targets(of: prometheus) }
    return Set(found).sorted()
  }

  package static func read(file path: String, isDefault: Bool) throws(Failure) -> [String] {
    let bytes: [UInt8]
    do { bytes = try readFile(path, limit: 1 << 20) } catch {
      guard isDefault else { throw error }
      throw Failure(.configuration, code: "no_fleet", """
        no `souk up` runs in this folder (\(path) is not there); name the processes with --address, --addresses-file, \
        --dns or --prometheus
        """)
    }
    var addresses: [String] = []
    let lines = String(decoding: bytes, as: UTF8.self)
      .split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (number, line) in lines.enumerated() {
      let text = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
      if text.isEmpty { continue }
      guard let address = HostPort(text) else {
        throw Failure(.configuration, code: "bad_address", "\(path) line \(number + 1): '\(text)' is not host:port")
      }
      addresses.append(address.text)
    }
    return addresses
  }

  private static func resolve(_ address: HostPort) throws(Failure) -> [String] {
    let host = Host(name: address.host)
    let found = host.addresses.map { $0.contains(":") ? "[\($0)]" : $0 }
    guard !found.isEmpty else {
      throw Failure(.transient, code: "name_unresolved", "--dns: \(address.host) has no address")
    }
    return found
  }

  private func targets(of prometheus: String) async throws -> [String] {
    let base = prometheus.hasSuffix("/") ? String(prometheus.dropLast()) : prometheus
    let answer = try await get("\(base)/api/v1/targets?state=active")
    guard answer.status == 200, let json = DataValue(parsing: Array(answer.body.utf8)),
      case .list(let targets)? = json["data"]?["activeTargets"]
    else {
      throw Failure(.transient, code: "no_targets", "\(prometheus) answers \(answer.status) and names no targets")
    }
    return targets.compactMap { target in
      guard case .text(let url)? = target["scrapeUrl"], let parsed = URL(string: url), let host = parsed.host,
        let port = parsed.port
      else { return nil }
      return "\(host):\(port)"
    }
  }
}
