import Kafka
import TestSupport

/// The systems that seeds run.
enum FaultedSystem: String, CaseIterable, Sendable {
  case prices, egx, lambda, sentinel

  /// Draws one, the systems of more services more often.
  static func draw(_ random: inout TestRandom) -> FaultedSystem {
    [.prices, .prices, .prices, .egx, .egx, .egx, .lambda, .lambda, .lambda, .sentinel].randomElement(using: &random)
      ?? .egx
  }

  /// The services that are killed, frozen and joined by others.
  var services: [String] {
    switch self {
    case .prices: ["crawler", "downloader", "parser", "db-writer"]
    case .egx: ["influx-consumer", "s3-consumer"]
    case .lambda: ["hot-writer", "archiver", "signal-worker"]
    case .sentinel: ["inference-worker", "db-writer"]
    }
  }

  /// What befalls the servers of the system, by the name that its `begin` knows.
  var outages: [String] {
    let store = ["s3 503", "s3 cut", "s3 slow", "s3 hangs", "s3 name"]
    let postgres = [
      "postgres restart", "postgres crash", "postgres serialization", "postgres read-only", "postgres full",
      "postgres cut", "postgres hangs", "postgres name",
    ]
    return switch self {
    case .prices: store + postgres + ["portal 503", "portal 429", "portal cut", "portal slow"]
    case .egx: store + ["disk full", "influx 503", "influx cut", "influx away", "influx hangs", "influx name",
                        "influx restart"]
    case .lambda: store + ["redis restart", "redis cut", "redis away", "redis hangs", "redis name", "redis full"]
    case .sentinel: postgres
    }
  }
}

/// What happens in the run of one seed, all of it drawn from the seed's generator.
struct FaultPlan: Sendable {
  enum Action: Sendable, CustomStringConvertible {
    /// SIGKILL, and a new process.
    case kill(String)
    /// SIGTERM, and a new process at once.
    case terminate(String)
    /// SIGSTOP for some steps.
    case freeze(String)
    /// One more replica, or one that leaves.
    case join(String), leave(String)
    /// The broker answers the next requests of a kind with errors.
    case refuse(EmbeddedBroker.Request, with: [Int32])
    /// The broker closes its connections and refuses new ones for a moment.
    case disconnect
    /// Something is wrong with a server for some steps.
    case outage(String)
    /// Records that can never be processed.
    case poison(Int)
    /// The wall clock of all services jumps by seconds, for some steps.
    case jump(Int)

    var description: String {
      switch self {
      case .kill(let service): "kill -9 \(service)"
      case .terminate(let service): "terminate \(service)"
      case .freeze(let service): "freeze \(service)"
      case .join(let service): "one more \(service)"
      case .leave(let service): "one \(service) leaves"
      case .refuse(let request, let codes): "broker errors \(codes) to \(request)"
      case .disconnect: "broker disconnects"
      case .outage(let name): name
      case .poison(let count): "\(count) poison records"
      case .jump(let seconds): "clocks jump by \(seconds) s"
      }
    }
  }

  struct Step: Sendable {
    var action: Action
    /// The share of the input that is fed before it.
    var fed: Double
    /// The share of the fed input that is processed before it, unless an outage lasts.
    var processed: Double
    /// How many steps an outage, a freeze or a jump lasts.
    var steps: Int
    /// A moment for it to be noticed, in milliseconds.
    var pause: Int
  }

  /// With its state in a file it has no replicas.
  static let alone = "crawler"

  let seed: UInt64
  let system: FaultedSystem
  /// Name servers that fail do not answer, instead of saying that there is no such name.
  let stallsNames: Bool
  /// A disk of the system's own, which may be full, where it can work without an object store.
  let hasDisk: Bool
  let steps: [Step]
  /// How much input there is; nil: as much as the seed says.
  var size: Int?
  /// Settings of all services that consume, beside those of all seeds.
  var settings: [String: String] = [:]
  /// Continues the seed's numbers: for the input.
  let random: TestRandom

  /// A system that is left alone, but for what a test does to it.
  init(undisturbed system: FaultedSystem, size: Int, settings: [String: String]) {
    (seed, self.system, stallsNames, hasDisk, steps) = (0, system, false, false, [])
    (self.size, self.settings) = (size, settings)
    random = TestRandom(seed: 0)
  }

  init(seed: UInt64, system chosen: FaultedSystem? = nil) {
    // The state of the generator counts up: seeds next to each other would draw the same numbers one place apart.
    var spread = TestRandom(seed: seed)
    var random = TestRandom(seed: spread.next())
    self.seed = seed
    let drawn = FaultedSystem.draw(&random)
    system = chosen ?? drawn
    stallsNames = Bool.random(using: &random)
    hasDisk = system == .egx && Int.random(in: 0..<3, using: &random) == 0
    let count = Int.random(in: 4...7, using: &random)
    let hasDisk = hasDisk
    let outages = system.outages.filter { $0 == "disk full" ? hasDisk : !hasDisk || !$0.hasPrefix("s3") }
    let moments = (0..<count).map { _ in Double.random(in: 0.05..<1, using: &random) }.sorted()
    let services = system.services
    steps = moments.map { moment in
      Step(
        action: Self.action(services, outages, &random), fed: moment,
        processed: Double.random(in: 0..<1, using: &random), steps: Int.random(in: 1...2, using: &random),
        pause: Int.random(in: 50...700, using: &random))
    }
    self.random = random
  }

  private static func action(_ services: [String], _ outages: [String], _ random: inout TestRandom) -> Action {
    func pick(_ random: inout TestRandom) -> String { services.randomElement(using: &random) ?? services[0] }
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<22: return .kill(pick(&random))
    case 22..<29: return .terminate(pick(&random))
    case 29..<37: return .freeze(pick(&random))
    case 37..<43: return .join(pick(&random))
    case 43..<47: return .leave(pick(&random))
    case 47..<57:
      let (request, codes) = refusals.randomElement(using: &random) ?? refusals[0]
      let times = Int.random(in: 1...6, using: &random)
      return .refuse(request, with: (0..<times).map { _ in codes.randomElement(using: &random) ?? codes[0] })
    case 57..<61: return .disconnect
    case 61..<87: return .outage(outages.randomElement(using: &random) ?? outages[0])
    case 87..<96: return .poison(Int.random(in: 1...3, using: &random))
    default: return .jump([-7_200, -60, 45, 3_600].randomElement(using: &random) ?? 45)
    }
  }

  /// Errors that a broker gives in passing, by Kafka's numbers: leader unknown (5) or moved (6), timed out (7),
  /// disconnected (13), coordinator loading (14), away (15) or moved (16), too few replicas (19), an older generation
  /// (22), a forgotten member (25), a rebalance (27).
  private static let refusals: [(EmbeddedBroker.Request, [Int32])] = [
    (.produce, [6, 7, 13, 19]), (.fetch, [5, 6, 13]), (.listOffsets, [5, 6]), (.metadata, [5, 13]),
    (.offsetCommit, [7, 14, 15, 16, 22, 25, 27]), (.offsetFetch, [14, 15, 16]), (.findCoordinator, [14, 15]),
    (.joinGroup, [14, 15, 16, 25]), (.syncGroup, [22, 25, 27]), (.heartbeat, [15, 16, 22, 25, 27]),
  ]
}

extension FaultPlan {
  /// Takes back the errors that no request has met yet.
  static func heal(_ broker: EmbeddedBroker) {
    for (request, _) in refusals { broker.clearFaults(request) }
    broker.bringUp()
  }
}

extension FaultPlan {
  func make(in folder: String, _ random: inout TestRandom) async throws -> any Faultable {
    switch system {
    case .prices: try await PricesFaults(folder, self, &random)
    case .egx: try await EGXFaults(folder, self, &random)
    case .lambda: try await LambdaFaults(folder, self, &random)
    case .sentinel: try await SentinelFaults(folder, self, &random)
    }
  }
}
