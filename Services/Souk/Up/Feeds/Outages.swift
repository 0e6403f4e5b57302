import Core
import LocalServers
import ServiceKit

import Glibc

/// Takes Kafka, Redis and Dask away, one by one, and shows what the gateway answers meanwhile and when all is back.
/// Kafka and Redis are frozen, so that what they hold is there afterwards; the scheduler of Dask is killed.
struct Outages: Sendable {
  /// Of the gateway.
  let door: UInt16
  let redis: PrivateRedis
  /// nil where Kafka is the operator's.
  let broker: ChildProcess?
  /// nil without Dask.
  let dask: PrivateDask?
  let screen: Screen

  private struct Part {
    var name: String
    /// Of the health of the gateway.
    var component: String
    var takeAway: @Sendable () async -> Void
    var bringBack: @Sendable () async throws -> Void
  }

  private var parts: [Part] {
    var parts: [Part] = []
    if let broker {
      parts.append(Part(
        name: "Kafka", component: "kafka_producer", takeAway: { broker.kill(SIGSTOP) },
        bringBack: { broker.kill(SIGCONT) }))
    }
    parts.append(Part(
      name: "Redis", component: "hot_store", takeAway: { [redis] in redis.signal(SIGSTOP) },
      bringBack: { [redis] in redis.signal(SIGCONT) }))
    if let dask {
      parts.append(Part(
        name: "Dask", component: "dask_cluster", takeAway: { await dask.killScheduler() },
        bringBack: {
          try await dask.startScheduler()
          try await dask.startWorker()
        }))
    }
    return parts
  }

  /// - Parameter symbol: that is asked for.
  /// - Returns: what to say in the end, at most 80 columns.
  /// - Throws: `Failure` when the gateway does not notice an outage, or its end.
  func run(_ symbol: String) async throws -> [String] {
    var table = TextTable(["AWAY", "LAST TICK", "BARS", "JOBS", "ANSWERED WITHOUT", .right("BACK AFTER")])
    for part in parts {
      screen.say("away      \(part.name)")
      await part.takeAway()
      do {
        try await wait(for: part, isThere: false)
        let answers = await [
          ask("/ticks/\(symbol)/latest"), ask("/bars/\(symbol)?limit=10000"), ask("/jobs?limit=1"),
        ]
        let begun = ContinuousClock.now
        try await part.bringBack()
        try await wait(for: part, isThere: true)
        let seconds = (ContinuousClock.now - begun) / .seconds(1)
        screen.say("back      \(part.name)")
        let without = answers.flatMap(Self.without).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        table.append([
          part.name, Self.text(answers[0]), Self.text(answers[1]), Self.text(answers[2]),
          without.isEmpty ? "-" : without.joined(separator: ","), "\((seconds * 10).rounded() / 10) s",
        ])
      } catch {
        try? await part.bringBack()
        throw error
      }
    }
    return ["", "What does the gateway answer while a part is away? (it is not restarted)", ""] + table.lines
  }

  private typealias Answer = LoopbackHTTP.Response?

  private func ask(_ path: String) async -> Answer {
    await LoopbackHTTP.shared.get(port: door, path: "/api/v1\(path)", timeout: .seconds(30))
  }

  private func wait(for part: Part, isThere: Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(120)
    while await ask("/system/ingestion/health")?.body.contains("\"\(part.component)\":\(isThere)") != true {
      guard ContinuousClock.now < deadline else {
        throw Failure(
          .fatal, code: "outage_not_survived",
          "the gateway does not say within 120 s that \(part.name) is \(isThere ? "back" : "away")")
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  private static func text(_ answer: Answer) -> String { answer.map { "\($0.status)" } ?? "none" }

  /// What an answer says was away.
  private static func without(_ answer: Answer) -> [String] {
    guard let body = answer?.body, let start = body.firstRange(of: "\"degraded\":[")?.upperBound else { return [] }
    return body[start...].prefix { $0 != "]" }.split(separator: ",").map { $0.filter { $0 != "\"" } }
  }
}
