import Core
import Foundation
import LocalServers
import ServiceKit

/// What the gateway answers, and which part of it is of the batch layer and which is live.
struct DoorAnswers: Sendable {
  /// The end of an answer about a symbol.
  fileprivate struct Answer: Decodable {
    struct Row: Decodable { var source: String }
    var symbol: String
    var bars, signals: [Row]?
    var batchUntil, watermark: String?
    var degraded: [String]
    var gaps: [Gap]
    struct Gap: Decodable { var reason: String? }

    var rows: [Row] { bars ?? signals ?? [] }
    func count(_ source: String) -> Int { rows.count { $0.source == source } }
  }
  private var answers: [(path: String, answer: Answer)] = []

  /// Asks for bars and signals until the views of the batch layer are seen, at most half a minute.
  /// - Parameter isBatchSeen: whether there are such views at all.
  static func read(port: UInt16, _ symbols: [String], isBatchSeen: Bool) async throws -> DoorAnswers {
    let deadline = ContinuousClock.now + .seconds(30)
    while true {
      var door = DoorAnswers()
      for symbol in symbols {
        for path in ["/bars/\(symbol)?limit=10000", "/signals/\(symbol)?interval=1m&limit=10000"] {
          guard let answer = await ask(port, path) else { continue }
          door.answers.append((String(path.dropFirst().prefix { $0 != "/" }), answer))
        }
      }
      let isWhole = door.answers.count == 2 * symbols.count
        && (!isBatchSeen || door.answers.allSatisfy { $0.answer.batchUntil != nil })
      if isWhole || ContinuousClock.now >= deadline { return door }
      try await Task.sleep(for: .milliseconds(500))
    }
  }

  private static func ask(_ port: UInt16, _ path: String) async -> Answer? {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let answer = await LoopbackHTTP.shared.get(port: port, path: "/api/v1\(path)")
    return answer.flatMap { $0.status == 200 ? try? decoder.decode(Answer.self, from: Data($0.body.utf8)) : nil }
  }

  /// At most 80 columns.
  var lines: [String] {
    var table = TextTable([
      "SYMBOL", "WHAT", .right("BATCH"), .right("LIVE"), "BATCH UNTIL", "WATERMARK", .right("GAPS"), "WITHOUT",
    ])
    for (what, answer) in answers {
      table.append([
        answer.symbol, what, grouped(answer.count("batch")), grouped(answer.count("live")),
        Self.minute(answer.batchUntil), Self.minute(answer.watermark), "\(answer.gaps.count)",
        answer.degraded.isEmpty ? "-" : answer.degraded.joined(separator: ","),
      ])
    }
    guard !answers.isEmpty else { return ["", "The gateway does not answer."] }
    return ["", "What is of the batch layer, and what is live? (asked of the gateway, UTC)", ""] + table.lines
  }

  /// `11-30 14:31` of `2026-11-30T14:31:00Z`.
  private static func minute(_ time: String?) -> String {
    time.map { "\($0.dropFirst(5).prefix(5)) \($0.dropFirst(11).prefix(5))" } ?? "-"
  }
}
