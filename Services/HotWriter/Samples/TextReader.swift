import Core
import Messages
import Options
import Pipeline
import Redis
import Values

/// How long texts are kept, and how many of them in the tail.
struct TextPolicy: Sendable {
  /// Of `news:<id>` and `post:<id>`.
  var news = RetentionByName(["newsapi": .seconds(30 * 86_400)], others: .seconds(7 * 86_400))
  /// Of `document:<id>` and the passages `doc:<id>`.
  var documents = RetentionByName(["edgar": .seconds(90 * 86_400)], others: .seconds(30 * 86_400))
  /// Of the line and the stories of a symbol.
  var sentiment: Duration = .seconds(90 * 86_400)
  /// Of the line and the events of a symbol's options.
  var flow: Duration = .seconds(30 * 86_400)
  /// Entries of `stream:raw_news` and of `stream:raw_posts`, about; 0 keeps no such streams.
  var tail = 10_000
  /// Entries of `stream:raw_documents`, about; 0 keeps no such stream.
  var documentTail = 10_000
  /// Articles and posts have vectors.
  var hasVectors = false
}

/// How long something is kept, by the name of its source or, for bars, of their interval.
package struct RetentionByName: Sendable {
  private var named: [String: Duration]
  /// What holds for any other name.
  var others: Duration

  package init(_ named: [String: Duration], others: Duration) {
    self.named = named
    self.others = others
  }

  /// - Parameters:
  ///   - text: `newsapi=30d,other=7d`
  ///   - others: what holds when it does not say.
  /// - Throws: `Failure(.configuration)` that names the flag.
  init(_ text: String, others: Duration, flag: String, example: String) throws(Failure) {
    var (named, others) = ([String: Duration](), others)
    for part in text.split(separator: ",") {
      let words = part.split(separator: "=").map(String.init)
      guard words.count == 2, let time = DurationSetting(text: words[1]), time.duration > .zero else {
        throw Failure(.configuration, code: "invalid_setting", "\(flag): '\(part)' is not like \(example)")
      }
      if words[0] == "other" { others = time.duration } else { named[words[0]] = time.duration }
    }
    self.init(named, others: others)
  }

  func of(_ name: String) -> Duration { named[name] ?? others }
}

/// One run of a script of texts.
struct TextNote: Sendable {
  var script: Script
  var keys: [String]
  var arguments: [[UInt8]]
  /// What a vector is to be made of, which is then a part of the arguments.
  var meaning: String?
}

/// What articles, posts and documents have in common.
protocol PublishedText {
  var source: String { get }
  var id: String { get }
  var publishedAt: Timestamp { get }
  var knownAt: Timestamp { get }
  var withdrawn: Bool { get }
}

extension NewsArticle: PublishedText {}
extension SocialPost: PublishedText {}
extension Document: PublishedText {}

/// Reads the records of `news-articles`, `social-posts`, `sentiment-events`, `options-flow`, `documents` and
/// `document-chunks`.
struct TextReader: Sendable {
  let policy: TextPolicy
  /// Milliseconds.
  let skew: Int64
  let now: @Sendable () -> Int64

  func read(article bytes: RawSpan, to buffer: inout PartitionBuffer) throws(DecodingFailure) -> Disposition {
    let article = try NewsArticle(decoding: bytes)
    let fields: [(String, String?)] = [
      ("source", article.source), ("outlet", article.outlet), ("title", article.title),
      ("description", article.description), ("author", article.author), ("url", article.url),
      ("language", article.language), ("published_at", Self.text(article.publishedAt)),
      ("known_at", Self.text(article.knownAt)),
    ]
    return note(
      article, fields, bytes, kind: "news", stream: TextScripts.news, retention: policy.news.of(article.source),
      tail: policy.tail, meaning: [article.title, article.description], &buffer)
  }

  func read(post bytes: RawSpan, to buffer: inout PartitionBuffer) throws(DecodingFailure) -> Disposition {
    let post = try SocialPost(decoding: bytes)
    let fields: [(String, String?)] = [
      ("source", post.source), ("author", post.author), ("community", post.community), ("title", post.title),
      ("text", post.text), ("url", post.url), ("link", post.link), ("language", post.language),
      ("likes", post.likes.map { "\($0)" }), ("replies", post.replies.map { "\($0)" }),
      ("published_at", Self.text(post.publishedAt)), ("known_at", Self.text(post.knownAt)),
    ]
    return note(
      post, fields, bytes, kind: "post", stream: TextScripts.posts, retention: policy.news.of(post.source),
      tail: policy.tail, meaning: [post.title, post.text], &buffer)
  }

  /// - Parameter kind: before its name in its key.
  func note(
    _ text: some PublishedText, _ fields: [(String, String?)], _ bytes: RawSpan, kind: String, stream: String,
    retention: Duration, tail: Int, meaning: [String?] = [], _ buffer: inout PartitionBuffer
  ) -> Disposition {
    guard Self.isName(text.source), Self.isName(text.id) else {
      return Self.bad("'source' or 'id' is not 1 to 256 bytes without blanks")
    }
    if let refusal = refusal(publishedAt: text.publishedAt) { return .reject(refusal) }
    let raw = bytes.withUnsafeBytes { Array($0) }
    var arguments = [
      "\(text.knownAt.microseconds)", retention.redisMilliseconds, "\(tail)", text.withdrawn ? "1" : "0",
    ].map { Array($0.utf8) }
    arguments.append(raw)
    for case (let name, let value?) in fields { arguments += [Array(name.utf8), Array(value.utf8)] }
    arguments += [Array("published_ms".utf8), Array("\(text.publishedAt.microseconds / 1_000)".utf8)]
    let key = "\(kind):\(text.source)/\(text.id)"
    var note = TextNote(script: .article, keys: [key, stream, "withdrawn:\(key)"], arguments: arguments)
    if policy.hasVectors, !text.withdrawn, !meaning.isEmpty {
      note.meaning = meaning.compactMap(\.self).joined(separator: " ")
    }
    add(note, raw.count * 2, &buffer)
    return .keep
  }

  func read(sentiment bytes: RawSpan, to buffer: inout PartitionBuffer) throws(DecodingFailure) -> Disposition {
    let event = try SentimentEvent(decoding: bytes)
    guard Self.isName(event.symbol), Self.isName(event.cluster) else {
      return Self.bad("'symbol' or 'cluster' is not 1 to 256 bytes without blanks")
    }
    if let refusal = refusal(publishedAt: event.publishedAt) { return .reject(refusal) }
    state(
      Statement(
        name: "sentiment", symbol: event.symbol, id: event.cluster, revision: event.revision,
        milliseconds: event.publishedAt.microseconds / 1_000, isWithdrawn: event.withdrawn, field: "score",
        isSum: false),
      bytes, retention: policy.sentiment, &buffer)
    return .keep
  }

  func read(flow bytes: RawSpan, to buffer: inout PartitionBuffer) throws(DecodingFailure) -> Disposition {
    let event = try OptionsFlow(decoding: bytes)
    guard Self.isName(event.underlying), Self.isName(event.eventID) else {
      return Self.bad("'underlying' or 'event_id' is not 1 to 256 bytes without blanks")
    }
    guard event.firstNs / 1_000_000 <= now() + skew else {
      return .reject(Rejection(
        code: "future_stamp", stage: "check", "first_ns is ahead of the clock by more than --max-skew allows"))
    }
    state(
      Statement(
        name: "flow", symbol: event.underlying, id: event.eventID, revision: event.revision,
        milliseconds: event.firstNs / 1_000_000, isWithdrawn: event.status == .withdrawn, field: "net_premium",
        isSum: true),
      bytes, retention: policy.flow, &buffer)
    return .keep
  }

  /// What is said of a symbol, and may be revised or withdrawn.
  private struct Statement {
    /// Of its keys and its line.
    var name: String
    var symbol: String
    var id: String
    var revision: Int64
    var milliseconds: Int64
    var isWithdrawn: Bool
    /// Of the record, for the line.
    var field: String
    /// A point of the line is the sum of its records, not their mean.
    var isSum: Bool
  }

  private func state(
    _ statement: Statement, _ bytes: RawSpan, retention: Duration, _ buffer: inout PartitionBuffer
  ) {
    let raw = bytes.withUnsafeBytes { Array($0) }
    let key = "\(statement.name):\(statement.symbol)"
    let arguments = [
      statement.id, "\(statement.revision)", "\(statement.milliseconds)", statement.isWithdrawn ? "1" : "0",
      retention.redisMilliseconds, statement.symbol,
    ].map { Array($0.utf8) } + [raw] + [
      statement.name, statement.field, statement.isSum ? "sum" : "mean",
    ].map { Array($0.utf8) }
    add(TextNote(
      script: .statement,
      keys: [key, "\(key):times", "\(key):revisions", "ts:\(statement.symbol):\(statement.name)"],
      arguments: arguments), raw.count, &buffer)
  }

  func add(_ note: TextNote, _ bytes: Int, _ buffer: inout PartitionBuffer) {
    buffer.texts.append(note)
    buffer.wordBytes += bytes + 200
  }

  /// A sample ahead of the clock would empty its line: retention counts from the newest one.
  func refusal(publishedAt: Timestamp) -> Rejection? {
    guard publishedAt.microseconds / 1_000 > now() + skew else { return nil }
    return Rejection(
      code: "future_stamp", stage: "check", "published_at is ahead of the clock by more than --max-skew allows")
  }

  static func bad(_ what: String) -> Disposition { .reject(Rejection(code: "bad_value", stage: "check", what)) }

  static func isName(_ text: String) -> Bool {
    (1...256).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
  }

  static func text(_ time: Timestamp) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Timestamp.maxTextLength) { buffer in
      let length = time.write(to: buffer.baseAddress!)
      return String(decoding: UnsafeBufferPointer(start: buffer.baseAddress, count: length), as: UTF8.self)
    }
  }
}
