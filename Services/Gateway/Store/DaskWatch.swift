import Core
import HTTP
import Logging
import Messages
import Synchronization

/// Asks the scheduler of Dask now and then how many workers it has, over its HTTP server (`/json/identity.json`).
final class DaskWatch: Sendable {
  struct State: Hashable, Sendable {
    var isConnected = false
    var workers = 0
    /// Threads of all workers.
    var cores = 0
  }
  private let current = Mutex(State())
  private let http: HTTPClient
  private let address: HTTPURL
  private let interval: Duration
  private let logger: Logger
  /// How many workers there should be; nil when no setting says.
  let expected: Int?

  /// - Parameter dashboard: of the scheduler's HTTP server.
  init(dashboard: HTTPURL, expected: Int?, interval: Duration = .seconds(3), logger: Logger) throws {
    http = try HTTPClient(HTTPConfiguration(
      addresses: AddressPolicy(allowsPrivate: true), userAgent: "souk/\(Souk.version)", name: "dask"))
    address = try HTTPURL(dashboard.origin + "/json/identity.json")
    (self.expected, self.interval, self.logger) = (expected, interval, logger)
  }

  /// The HTTP server beside a scheduler: `tcp://host:8786` has it at port 8787 unless it was told otherwise.
  /// - Returns: nil for what is no address of a scheduler.
  static func dashboard(of scheduler: String) -> String? {
    let parts = scheduler.split(separator: "://", maxSplits: 1)
    guard parts.count == 2, ["tcp", "tls"].contains(parts[0]), let colon = parts[1].lastIndex(of: ":"),
      UInt16(parts[1][parts[1].index(after: colon)...]) != nil, colon > parts[1].startIndex
    else { return nil }
    return "http://\(parts[1][..<colon]):8787"
  }

  var state: State { current.withLock { $0 } }

  /// Until drained.
  func run(until drain: Interruption) async {
    repeat {
      let found = await ask()
      let before = current.withLock { state in
        defer { state = found }
        return state
      }
      if before.isConnected != found.isConnected {
        logger.notice(found.isConnected ? "Dask answers" : "Dask does not answer")
      }
    } while await !drain.sleep(for: interval)
    http.close()
  }

  private func ask() async -> State {
    var request = HTTPRequest("GET", address)
    request.limits.totalTime = .seconds(3)
    request.limits.maxRedirects = 0
    guard let answer = try? await http.execute(request), answer.head.isSuccess else { return State() }
    return Self.read(answer.body) ?? State()
  }

  /// - Returns: nil for what no scheduler answers.
  static func read(_ body: [UInt8]) -> State? {
    do throws(DecodingFailure) {
      var reader = try JSONReader(body.span.bytes)
      var state = State(isConnected: true)
      var isScheduler = false
      var cursor = try reader.beginObject()
      while let name = try reader.nextName(&cursor) {
        guard name == "workers", reader.startsObject else {
          try reader.skipValue()
          continue
        }
        isScheduler = true
        var workers = try reader.beginObject()
        while try reader.nextName(&workers) != nil {
          state.workers += 1
          guard reader.startsObject else {
            try reader.skipValue()
            continue
          }
          var worker = try reader.beginObject()
          while let fact = try reader.nextName(&worker) {
            if fact == "nthreads" { state.cores += Int(try reader.integer()) } else { try reader.skipValue() }
          }
        }
      }
      return isScheduler ? state : nil
    } catch {
      return nil
    }
  }
}
