import Core
import Messages
import Redis
import ServiceKit
import Values

/// The news of each company as the hot store holds them: one row for a symbol, one story for a cluster.
struct NewsAnswers: Sendable {
  private var rows: [[String]] = []
  /// Marks of withdrawals, and how many of those articles are still there.
  private var withdrawn = 0
  private var left = 0

  static func read(_ client: RedisClient, _ symbols: [String]) async throws -> NewsAnswers {
    var answers = NewsAnswers()
    for symbol in symbols {
      let replies = try await client.replies(to: [
        RedisCommand("HVALS", "sentiment:\(symbol)"), RedisCommand("TS.GET", "ts:\(symbol):sentiment"),
        RedisCommand("HGET", "trade:\(symbol)", "price"),
      ])
      let stories = try (replies[0].array ?? []).compactMap(\.bytes).map { try SentimentEvent(decoding: $0) }
      guard let latest = stories.max(by: { $0.publishedAt.microseconds < $1.publishedAt.microseconds }) else {
        continue
      }
      answers.rows.append([
        symbol, replies[2].text ?? "-", "\(stories.count)", "\(stories.reduce(0) { $0 + $1.sources })",
        replies[1].array?.last?.text ?? "-", String(latest.title.prefix(34)),
      ])
    }
    var cursor = "0"
    repeat {
      let reply = try await client.send(RedisCommand("SCAN", cursor, "MATCH", "withdrawn:news:*", "COUNT", "1000"))
      guard let parts = reply.array, parts.count == 2 else { break }
      cursor = parts[0].text ?? "0"
      let names = (parts[1].array ?? []).compactMap { $0.text?.dropFirst("withdrawn:".count) }
      answers.withdrawn += names.count
      for reply in try await client.sendAll(names.map { RedisCommand("EXISTS", String($0)) }) {
        answers.left += Int(reply.integer ?? 0)
      }
    } while cursor != "0"
    return answers
  }

  /// At most 80 columns; empty before the first story.
  var lines: [String] {
    guard !rows.isEmpty else { return [] }
    var table = TextTable([
      "SYMBOL", .right("LAST PRICE"), .right("STORIES"), .right("OUTLETS"), .right("SENTIMENT"), "LATEST",
    ])
    for row in rows { table.append(row) }
    var lines = ["", "What do the news say? (one story, however many outlets print it)", ""] + table.lines
    if withdrawn > 0 {
      lines += ["", "\(withdrawn) articles were withdrawn; Redis has \(left) of them."]
    }
    return lines
  }
}
