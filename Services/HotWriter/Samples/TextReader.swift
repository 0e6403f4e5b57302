import Core
import Messages
import Pipeline
import Redis
import Values

/// How long texts are kept, and how many of them in the tail.
package struct TextPolicy: Sendable {
  /// Of `news:<id>` and `post:<id>`, by source; `otherNews` for sources that are not named.
  package var news: [String: Duration] = ["newsapi": .seconds(30 * 86_400)]
  package var otherNews: Duration = .seconds(7 * 86_400)
  /// Of the line and the stories of a symbol.
  package var sentiment: Duration = .seconds(90 * 86_400)
  /// Entries of `stream:raw_news` and of `stream:raw_posts`, about; 0 keeps no such streams.
  package var tail = 10_000

  package init() {}

  func retention(of source: String) -> Duration { news[source] ?? otherNews }
}

/// One run of a script of ``TextScripts``.
struct TextNote: Sendable {
  enum Script: Int, Sendable { case article, sentiment }

  var script: Script
  var keys: [String]
  var arguments: [[UInt8]]
}

/// Reads the records of `news-articles`, `social-posts` and `sentiment-events`.
struct TextReader: Sendable {
  let policy: TextPolicy
  /// Milliseconds.
  let skew: Int64
  let now: @Sendable () -> Int64

  func read(article bytes: RawSpan, to buffer: inout PartitionBuffer) -> Disposition {
    let article: NewsArticle
    do throws(DecodingFailure) { article = try NewsArticle(decoding: bytes) } catch { return Self.refusal(error) }
    let fields: [(String, String?)] = [
      ("source", article.source), ("outlet", article.outlet), ("title", article.title),
      ("description", article.description), ("author", article.author), ("url", article.url),
      ("language", article.language), ("published_at", Self.text(article.publishedAt)),
      ("known_at", Self.text(article.knownAt)),
    ]
    return note(
      Published(
        source: article.source, id: article.id, publishedAt: article.publishedAt, knownAt: article.knownAt,
        isWithdrawn: article.withdrawn),
      fields, bytes, kind: "news", stream: TextScripts.news, &buffer)
  }

  func read(post bytes: RawSpan, to buffer: inout PartitionBuffer) -> Disposition {
    let post: SocialPost
    do throws(DecodingFailure) { post = try SocialPost(decoding: bytes) } catch { return Self.refusal(error) }
    let fields: [(String, String?)] = [
      ("source", post.source), ("author", post.author), ("community", post.community), ("title", post.title),
      ("text", post.text), ("url", post.url), ("link", post.link), ("language", post.language),
      ("likes", post.likes.map { "\($0)" }), ("replies", post.replies.map { "\($0)" }),
      ("published_at", Self.text(post.publishedAt)), ("known_at", Self.text(post.knownAt)),
    ]
    return note(
      Published(
        source: post.source, id: post.id, publishedAt: post.publishedAt, knownAt: post.knownAt,
        isWithdrawn: post.withdrawn),
      fields, bytes, kind: "post", stream: TextScripts.posts, &buffer)
  }

  /// What articles and posts have in common.
  private struct Published {
    var source: String
    var id: String
    var publishedAt: Timestamp
    var knownAt: Timestamp
    var isWithdrawn: Bool
  }

  /// - Parameter kind: before its name in its key.
  private func note(
    _ text: Published, _ fields: [(String, String?)], _ bytes: RawSpan, kind: String, stream: String,
    _ buffer: inout PartitionBuffer
  ) -> Disposition {
    guard Self.isName(text.source), Self.isName(text.id) else {
      return .reject(Rejection(
        code: "bad_value", stage: "check", "'source' or 'id' is not 1 to 256 bytes without blanks"))
    }
    if let refusal = refusal(publishedAt: text.publishedAt) { return .reject(refusal) }
    let raw = bytes.withUnsafeBytes { Array($0) }
    var arguments = [
      "\(text.knownAt.microseconds)", policy.retention(of: text.source).redisMilliseconds, "\(policy.tail)",
      text.isWithdrawn ? "1" : "0",
    ].map { Array($0.utf8) }
    arguments.append(raw)
    for case (let name, let value?) in fields { arguments += [Array(name.utf8), Array(value.utf8)] }
    let key = "\(kind):\(text.source)/\(text.id)"
    add(
      TextNote(script: .article, keys: [key, stream, "withdrawn:\(key)"], arguments: arguments), raw.count * 2, &buffer)
    return .keep
  }

  func read(sentiment bytes: RawSpan, to buffer: inout PartitionBuffer) -> Disposition {
    let event: SentimentEvent
    do throws(DecodingFailure) { event = try SentimentEvent(decoding: bytes) } catch { return Self.refusal(error) }
    guard Self.isName(event.symbol), Self.isName(event.cluster) else {
      return .reject(Rejection(
        code: "bad_value", stage: "check", "'symbol' or 'cluster' is not 1 to 256 bytes without blanks"))
    }
    if let refusal = refusal(publishedAt: event.publishedAt) { return .reject(refusal) }
    let raw = bytes.withUnsafeBytes { Array($0) }
    let (key, retention) = ("sentiment:\(event.symbol)", policy.sentiment.redisMilliseconds)
    let arguments = [
      event.cluster, "\(event.revision)", "\(event.publishedAt.microseconds / 1_000)", event.withdrawn ? "1" : "0",
      retention, event.symbol,
    ].map { Array($0.utf8) } + [raw]
    add(TextNote(
      script: .sentiment, keys: [key, "\(key):times", "\(key):revisions", "ts:\(event.symbol):sentiment"],
      arguments: arguments), raw.count, &buffer)
    return .keep
  }

  private func add(_ note: TextNote, _ bytes: Int, _ buffer: inout PartitionBuffer) {
    buffer.texts.append(note)
    buffer.wordBytes += bytes + 200
  }

  /// A sample ahead of the clock would empty its line: retention counts from the newest one.
  private func refusal(publishedAt: Timestamp) -> Rejection? {
    guard publishedAt.microseconds / 1_000 > now() + skew else { return nil }
    return Rejection(
      code: "future_stamp", stage: "check", "published_at is ahead of the clock by more than --max-skew allows")
  }

  private static func refusal(_ failure: DecodingFailure) -> Disposition {
    .reject(Rejection(code: failure.code, stage: "decode", failure.description))
  }

  private static func isName(_ text: String) -> Bool {
    (1...256).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
  }

  private static func text(_ time: Timestamp) -> String {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Timestamp.maxTextLength) { buffer in
      let length = time.write(to: buffer.baseAddress!)
      return String(decoding: UnsafeBufferPointer(start: buffer.baseAddress, count: length), as: UTF8.self)
    }
  }
}
