import ArgumentParser
import Core
import Foundation
import HTTP
import LocalServers
import Operations
import Synchronization

/// Where the processes of a fleet answer.
struct FleetOptions: ParsableArguments {
  @Option(
    name: .customLong("address"), parsing: .singleValue,
    help: ArgumentHelp("Where a process has its /metrics (repeatable).", valueName: "host:port"))
  var addresses: [String] = []

  @Option(help: ArgumentHelp(
    "File of addresses, one a line (default: the one that `souk up` writes).", valueName: "path"))
  var addressesFile: String?

  @Option(
    name: .customLong("dns"), parsing: .singleValue,
    help: ArgumentHelp("A name with an address for each process, as headless services have (repeatable).",
                       valueName: "host:port"))
  var names: [String] = []

  @Option(help: ArgumentHelp("A Prometheus that scrapes the fleet: its active targets are asked.", valueName: "url"))
  var prometheus: String?

  /// What `souk up` writes in its run folder.
  static let file = ".souk/run/addresses"

  func validate() throws {
    for text in addresses + names {
      guard Address(text) != nil else { throw ValidationError("'\(text)' is not host:port") }
    }
    if let prometheus {
      do { _ = try HTTPURL(prometheus) } catch { throw ValidationError("--prometheus: \(error)") }
    }
  }

  /// `host:port`
  struct Address: Hashable, Sendable {
    var host: String
    var port: UInt16

    init?(_ text: some StringProtocol) {
      guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0,
        colon > text.startIndex
      else { return nil }
      (host, self.port) = (String(text[..<colon]), port)
    }

    var text: String { "\(host):\(port)" }
  }
}

/// Asks the processes of a fleet for their metrics and their readiness.
struct FleetProbe: Sendable {
  /// What one process says.
  struct Answer: Sendable {
    var address: String
    var service: String
    var samples: MetricSamples
    /// nil when it is ready, otherwise why it is not.
    var unready: String?
  }

  struct Look: Sendable {
    var answers: [Answer] = []
    /// Addresses that did not answer, and why.
    var silent: [(address: String, reason: String)] = []
    var at = ContinuousClock.now
  }

  private let http: HTTPClient
  private let options: FleetOptions

  init(_ options: FleetOptions) throws {
    self.options = options
    http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "probe"))
  }

  func close() { http.close() }

  /// - Throws: `Failure` of class configuration when no address is known.
  func look() async throws -> Look {
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
  static func reasons(_ body: String) -> String {
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
    let path = options.addressesFile ?? (found.isEmpty && options.names.isEmpty && options.prometheus == nil
      ? FleetOptions.file : nil)
    if let path { found += try Self.read(file: path, isDefault: options.addressesFile == nil) }
    for name in options.names {
      guard let address = FleetOptions.Address(name) else { continue }
      found += try Self.resolve(address).map { "\($0):\(address.port)" }
    }
    if let prometheus = options.prometheus { found += try await targets(of: prometheus) }
    return Set(found).sorted()
  }

  static func read(file path: String, isDefault: Bool) throws(Failure) -> [String] {
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
      guard let address = FleetOptions.Address(text) else {
        throw Failure(.configuration, code: "bad_address", "\(path) line \(number + 1): '\(text)' is not host:port")
      }
      addresses.append(address.text)
    }
    return addresses
  }

  private static func resolve(_ address: FleetOptions.Address) throws(Failure) -> [String] {
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
