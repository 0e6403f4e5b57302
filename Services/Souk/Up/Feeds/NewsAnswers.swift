import Core
import Messages
import Redis
import ServiceKit
import Values

/// The news of each company as the hot store holds them: one row for a symbol, one line for a story.
struct NewsAnswers: Sendable {
  private var rows: [[String]] = []
  /// The latest stories of each symbol.
  private var stories: [[String]] = []
  /// Withdrawn texts by kind (`news`, `post`), and how many of them are still somewhere.
  private var withdrawn: [String: Int] = [:]
  private var left = 0

  static func read(_ client: RedisClient, _ symbols: [String]) async throws -> NewsAnswers {
    var answers = NewsAnswers()
    for symbol in symbols {
      let replies = try await client.replies(to: [
        RedisCommand("HVALS", "sentiment:\(symbol)"), RedisCommand("TS.GET", "ts:\(symbol):sentiment"),
        RedisCommand("HGET", "trade:\(symbol)", "price"), RedisCommand("TS.INFO", "ts:\(symbol):sentiment"),
      ])
      let stories = try (replies[0].array ?? []).compactMap(\.bytes).map { try SentimentEvent(decoding: $0) }
        .sorted { ($1.publishedAt.microseconds, $1.cluster) < ($0.publishedAt.microseconds, $0.cluster) }
      guard !stories.isEmpty else { continue }
      let points = replies[3].array?[1].integer ?? 0
      answers.rows.append([
        symbol, replies[2].text ?? "-", "\(stories.count)", "\(stories.reduce(0) { $0 + $1.sources })",
        replies[1].array?.last?.text.flatMap { Double($0) }.map { "\($0)" } ?? "-", "\(points)",
      ])
      for story in stories.prefix(2) {
        let time = story.publishedAt.civil
        answers.stories.append([
          symbol, "\(time.hour < 10 ? "0" : "")\(time.hour):\(time.minute < 10 ? "0" : "")\(time.minute)", story.kind,
          "\(story.sources)", "\(story.score)", String(story.title.prefix(36)),
        ])
      }
    }
    try await answers.readWithdrawals(client)
    return answers
  }

  /// Marks have no text: what they name must be in no hash and in no tail.
  private mutating func readWithdrawals(_ client: RedisClient) async throws {
    let names = try await client.keys(of: "withdrawn:").map { String($0.dropFirst("withdrawn:".count)) }
    for reply in try await client.sendAll(names.map { RedisCommand("EXISTS", $0) }) { left += Int(reply.integer ?? 0) }
    var tails = ""
    for stream in ["stream:raw_news", "stream:raw_posts"] {
      for entry in try await client.send(RedisCommand("XRANGE", stream, "-", "+")).array ?? [] {
        tails += entry.array?.last?.array?.last?.text ?? ""
      }
    }
    for name in names {
      withdrawn[String(name.prefix { $0 != ":" }), default: 0] += 1
      if tails.contains("\"id\":\"\(name.split(separator: "/").last ?? "")\"") { left += 1 }
    }
  }

  /// At most 80 columns; empty before the first story.
  var lines: [String] {
    guard !rows.isEmpty else { return [] }
    var table = TextTable([
      "SYMBOL", .right("LAST PRICE"), .right("STORIES"), .right("OUTLETS"), .right("SENTIMENT"),
      .right("POINTS OF ITS LINE"),
    ])
    for row in rows { table.append(row) }
    var lines = ["", "What do the news say? (one story, however many outlets print it)", ""] + table.lines
    var latest = TextTable(["SYMBOL", "UTC", "FROM", .right("OUTLETS"), .right("SCORE"), "STORY"])
    for story in stories { latest.append(story) }
    lines += [""] + latest.lines
    let counts = [("news", "articles"), ("post", "posts"), ("document", "documents")].compactMap { kind, word in
      withdrawn[kind].map { "\($0) \(word)" }
    }
    if !counts.isEmpty {
      lines += ["", "\(counts.joined(separator: ", ")) were withdrawn; Redis has \(left) of them."]
    }
    return lines
  }
}
