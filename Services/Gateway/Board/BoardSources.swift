import Catalogue
import Core
import HTTP
import Kafka
import LocalServers
import Operations
import ServiceKit
import Synchronization

/// A reading that several views share: it is made again when it is older than so much, once for all who wait for it.
actor Kept<Value: Sendable> {
  private let age: Duration
  private let make: @Sendable () async throws -> Value
  private var kept: (value: Value, at: Int64, made: ContinuousClock.Instant)?
  private var running: Task<(value: Value, at: Int64), any Error>?

  init(for age: Duration, make: @escaping @Sendable () async throws -> Value) { (self.age, self.make) = (age, make) }

  /// - Returns: the reading, and when it was made, in milliseconds since 1970.
  func value() async throws -> (value: Value, at: Int64) {
    if let kept, ContinuousClock.now - kept.made < age { return (kept.value, kept.at) }
    if let running { return try await running.value }
    let task = Task { [make] in (value: try await make(), at: WallClock.milliseconds()) }
    running = task
    defer { running = nil }
    let (value, at) = try await task.value
    kept = (value, at, .now)
    return (value, at)
  }
}

/// The processes of a fleet at two moments.
struct FleetReading: Sendable {
  var before: FleetProbe.Look
  var now: FleetProbe.Look

  func answers(of service: String) -> [FleetProbe.Answer] { now.answers.filter { $0.service == service } }

  /// A second, over all processes of a service that answered both times; nil when there is none.
  func rate(_ metric: String, of service: String) -> Double? {
    let seconds = max(0.001, (now.at - before.at) / .seconds(1))
    let rates = answers(of: service).compactMap { answer -> Double? in
      guard let value = answer.samples.sum(metric),
        let earlier = before.answers.first(where: { $0.address == answer.address })?.samples.sum(metric)
      else { return nil }
      // Of a process that was restarted in between, its own count is all that is known.
      return (value >= earlier ? value - earlier : value) / seconds
    }
    return rates.isEmpty ? nil : rates.reduce(0, +)
  }
}

/// What the pages about the fleet ask: its processes, and Kafka.
final class BoardSources: Sendable {
  let cluster: Cluster
  let addresses: FleetAddresses
  private let probe: FleetProbe
  private let http: HTTPClient
  /// Two looks at the processes, a second apart or more.
  let fleet: Kept<FleetReading>
  /// All groups of the catalogue.
  let lag: Kept<[GroupLag]>

  init(_ cluster: Cluster, _ addresses: FleetAddresses) throws {
    (self.cluster, self.addresses) = (cluster, addresses)
    let probe = try FleetProbe(addresses)
    self.probe = probe
    http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "board"))
    let last = LastLook()
    fleet = Kept(for: .seconds(2)) {
      guard !addresses.isEmpty else {
        throw Problem(503, "no_fleet", """
          This gateway was not told where the processes answer: --fleet-address, --fleet-addresses-file, --fleet-dns \
          or --prometheus-url names them.
          """)
      }
      var before = last.look.withLock { $0 }
      if before.map({ ContinuousClock.now - $0.at > .seconds(60) }) ?? true {
        before = try await probe.look()
        try await Task.sleep(for: .seconds(1))
      }
      let now = try await probe.look()
      last.look.withLock { $0 = now }
      return FleetReading(before: before ?? now, now: now)
    }
    lag = Kept(for: .seconds(5)) {
      var survey = LagSurvey(cluster: cluster)
      survey.patience = .seconds(6)
      return try await survey.read(ServiceCatalogue.all.flatMap(\.groups), window: .seconds(1))
    }
  }

  private final class LastLook: Sendable { let look = Mutex<FleetProbe.Look?>(nil) }

  func close() {
    probe.close()
    http.close()
  }

  /// JSON of an HTTP server that this gateway was told of.
  func json(_ url: String) async throws -> DataValue {
    var request = HTTPRequest("GET", try HTTPURL(url))
    request.limits.totalTime = .seconds(5)
    let answer = try await http.execute(request)
    guard answer.head.status == 200, let data = DataValue(parsing: answer.body) else {
      throw Problem(503, "no_answer", "\(url) answers \(answer.head.status)")
    }
    return data
  }
}
