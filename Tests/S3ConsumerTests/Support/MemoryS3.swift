import Synchronization
import TestSupport

/// An S3 server in memory that can be made to fail: one bucket, whole objects only.
final class MemoryS3: Sendable {
  struct State {
    var hasBucket = false
    var isBusy = false
    var objects: [String: [UInt8]] = [:]
    /// Keys that were written again with other bytes.
    var changed: Set<String> = []
    var refused = 0
  }
  private let state: Shared
  private let server: HostileServer

  private final class Shared: Sendable {
    let value = Mutex(State())
  }

  var url: String { server.url }
  var port: Int { server.port }
  var now: State { state.value.withLock { $0 } }
  func change(_ body: (inout State) -> Void) { state.value.withLock { body(&$0) } }

  init() throws {
    let state = Shared()
    self.state = state
    server = try HostileServer { request, connection in
      let answer = state.value.withLock { Self.answer(to: request, &$0) }
      let body = request.line.hasPrefix("HEAD") ? "" : answer.body
      connection.answer(answer.status, body: body)
    }
  }

  private static func answer(
    to request: HostileServer.Request, _ state: inout State
  ) -> (status: String, body: String) {
    let method = request.line.prefix { $0 != " " }
    let path = request.path.prefix { $0 != "?" }
    let isBucket = path.dropFirst().firstIndex(of: "/") == nil
    guard !state.isBusy else {
      state.refused += 1
      return ("503 Slow Down", error("SlowDown"))
    }
    if isBucket, method == "PUT" { state.hasBucket = true }
    guard state.hasBucket else { return ("404 Not Found", error("NoSuchBucket")) }
    if !isBucket, method == "PUT" {
      if let old = state.objects[String(path)], old != request.body { state.changed.insert(String(path)) }
      state.objects[String(path)] = request.body
    }
    return ("200 OK", "")
  }

  private static func error(_ code: String) -> String { "<Error><Code>\(code)</Code></Error>" }
}
