import Core
import Messages
import Redis

/// Records that hot-writer keeps by symbol and time, and articles.
extension HotStore {
  /// A page of records, and where the next one begins.
  struct Records: Sendable {
    /// Milliseconds since 1970, and the record.
    var records: [(time: Int64, json: [UInt8])] = []
    var next: Cursor?
    /// Milliseconds since 1970; nil when there is none at all.
    var oldest: Int64?, newest: Int64?
  }

  /// Records of a symbol in a range of time: `<kind>:AAPL`, a hash, and `<kind>:AAPL:times`, their times.
  /// - Parameter skip: records of the range's first moment that earlier pages had.
  func records(
    _ kind: String, of symbol: String, _ range: Range<Int64>, skip: Int, most: Int
  ) async throws(RedisError) -> Records {
    let (records, times) = ("\(kind):\(symbol)", "\(kind):\(symbol):times")
    let replies = try await answers([
      RedisCommand(
        "ZRANGEBYSCORE", times, "\(range.lowerBound)", "(\(range.upperBound)", "WITHSCORES", "LIMIT", "\(skip)",
        "\(most + 1)"),
      RedisCommand("ZRANGE", times, "0", "0", "WITHSCORES"), RedisCommand("ZRANGE", times, "-1", "-1", "WITHSCORES"),
    ])
    let found = Self.scored(replies[0])
    var page = Records(oldest: Self.scored(replies[1]).first?.score, newest: Self.scored(replies[2]).first?.score)
    if found.count > most {
      let next = found[most].score
      let before = found[..<most].count { $0.score == next } + (next == range.lowerBound ? skip : 0)
      page.next = Cursor(time: next, mark: before > 0 ? "\(before)" : nil)
    }
    let named = found.prefix(most)
    guard !named.isEmpty else { return page }
    let bodies = try await answers([RedisCommand("HMGET", [Array(records.utf8)] + named.map(\.name))])[0].array ?? []
    // What was withdrawn has a time and no record.
    for (entry, body) in zip(named, bodies) { if let json = body.bytes { page.records.append((entry.score, json)) } }
    return page
  }

  private static func scored(_ reply: RedisReply) -> [(name: [UInt8], score: Int64)] {
    let words = reply.array ?? []
    return stride(from: 0, to: words.count - 1, by: 2).compactMap { index in
      guard let name = words[index].bytes, let score = words[index + 1].text.flatMap(Double.init) else { return nil }
      return (name, Int64(score))
    }
  }

  // MARK: - articles

  /// The newest articles of the tail, the newest first; nil cursor when there are no more.
  func articles(before cursor: Cursor?, most: Int) async throws(RedisError) -> (records: [[UInt8]], next: Cursor?) {
    let end = cursor.map { "\($0.time)-\($0.mark.flatMap { UInt64($0) } ?? 0)" } ?? "+"
    let reply = try await answers([RedisCommand("XREVRANGE", "stream:raw_news", end, "-", "COUNT", "\(most + 1)")])[0]
    let entries = (reply.array ?? []).compactMap { entry -> (id: String, data: [UInt8])? in
      guard let pair = entry.array, pair.count == 2, let id = pair[0].text, let fields = pair[1].array else {
        return nil
      }
      let data = stride(from: 0, to: fields.count - 1, by: 2).first { fields[$0].text == "data" }
      return data.flatMap { fields[$0 + 1].bytes }.map { (id, $0) }
    }
    var next: Cursor?
    if entries.count > most {
      let parts = entries[most].id.split(separator: "-")
      next = Cursor(time: parts.first.flatMap { Int64($0) } ?? 0, mark: parts.count == 2 ? String(parts[1]) : nil)
    }
    return (entries.prefix(most).map(\.data), next)
  }

  /// The fields of a hash; empty when there is none.
  func hash(_ key: String) async throws(RedisError) -> [(name: [UInt8], value: [UInt8])] {
    let words = try await answers([RedisCommand("HGETALL", key)])[0].array ?? []
    return stride(from: 0, to: words.count - 1, by: 2).compactMap { index in
      guard let name = words[index].bytes, let value = words[index + 1].bytes else { return nil }
      return (name, value)
    }
  }
}
