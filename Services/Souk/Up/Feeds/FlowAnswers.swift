import Core
import Foundation
import LocalServers
import Messages
import Redis
import ServiceKit

/// Unusual activity in options as the hot store has it, beside what the simulated market was made to have.
struct FlowAnswers: Sendable {
  private var events: [OptionsFlow] = []
  /// What was planted since the market was listened to.
  private var planted = 0

  private struct Plant: Decodable {
    var number: Int
    var is_none: Bool
  }

  static func read(_ client: RedisClient, _ symbols: [String], port: UInt16) async throws -> FlowAnswers {
    var answers = FlowAnswers()
    for symbol in symbols {
      let reply = try await client.send(RedisCommand("HVALS", "flow:\(symbol)"))
      answers.events += try (reply.array ?? []).compactMap(\.bytes).map { try OptionsFlow(decoding: $0) }
    }
    guard let first = try await FeedTruth.first(port: port),
      let flow = await LoopbackHTTP.shared.get(port: port, path: "/_feed/flow", timeout: .seconds(30))
    else { return answers }
    answers.planted = try flow.body.split(separator: "\n")
      .map { try JSONDecoder().decode(Plant.self, from: Data($0.utf8)) }.count { $0.number >= first && !$0.is_none }
    return answers
  }

  /// At most 80 columns; empty without an event.
  var lines: [String] {
    guard !events.isEmpty else { return [] }
    var table = TextTable([
      "RULE", "CONTRACTS", "SIDE", .right("SURE"), .right("SIZE"), .right("DOLLARS"), "BECAUSE",
    ])
    var shown: [OptionsFlow.Rule: Int] = [:]
    for event in events.sorted(by: { ($0.rule.rawValue, $1.premium) < ($1.rule.rawValue, $0.premium) }) {
      shown[event.rule, default: 0] += 1
      guard shown[event.rule] ?? 0 <= 2 else { continue }
      let more = event.contracts.count > 1 ? " +\(event.contracts.count - 1)" : ""
      let numbers = zip(event.numbers.names, event.numbers.numbers).filter { $0.0 != "size" && $0.0 != "premium" }
      table.append([
        event.rule.rawValue, (event.contracts.first ?? "") + more, event.side.rawValue,
        event.side == .unknown ? "-" : "\(Int((event.confidence * 100).rounded()))%", "\(event.size)",
        "\(Int64(event.premium))", numbers.last.map { "\($0.0) \(Int64($0.1))" } ?? "one print",
      ])
    }
    let orders = events.count { ![.volumeOI, .volumeAverage].contains($0.rule) }
    return ["", "What is unusual in options? (of each rule the largest two)", ""] + table.lines + [
      "", "\(planted) unusual orders were placed while the market was listened to; \(orders) were found.",
    ]
  }
}
