import Core
import Messages
import Pipeline
import Redis
import Values

/// How long texts are kept, and how many of them in the tail.
package struct TextPolicy: Sendable {
  /// Of `news:<id>`, by source; `otherNews` for sources that are not named.
  package var news: [String: Duration] = ["newsapi": .seconds(30 * 86_400)]
  package var otherNews: Duration = .seconds(7 * 86_400)
  /// Of the line and the stories of a symbol.
  package var sentiment: Duration = .seconds(90 * 86_400)
  /// Entries of `stream:raw_news`, about; 0 keeps no such stream.
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

/// Reads the records of `news-articles` and `sentiment-events`.
struct TextReader: Sendable {
  let policy: TextPolicy
  /// Milliseconds.
  let skew: Int64
  let now: @Sendable () -> Int64

  func read(article bytes: RawSpan, to buffer: inout PartitionBuffer) -> Disposition {
    let article: NewsArticle
    do throws(DecodingFailure) { article = try NewsArticle(decoding: bytes) } catch { return Self.refusal(error) }
    guard Self.isName(article.source), Self.isName(article.id) else {
      return .reject(Rejection(
        code: "bad_value", stage: "check", "'source' or 'id' is not 1 to 256 bytes without blanks"))
    }
    if let refusal = refusal(publishedAt: article.publishedAt) { return .reject(refusal) }
    let raw = bytes.withUnsafeBytes { Array($0) }
    var arguments = [
      "\(article.knownAt.microseconds)", policy.retention(of: article.source).redisMilliseconds, "\(policy.tail)",
      article.withdrawn ? "1" : "0",
    ].map { Array($0.utf8) }
    arguments.append(raw)
    let fields: [(String, String?)] = [
      ("source", article.source), ("outlet", article.outlet), ("title", article.title),
      ("description", article.description), ("author", article.author), ("url", article.url),
      ("language", article.language), ("published_at", Self.text(article.publishedAt)),
      ("known_at", Self.text(article.knownAt)),
    ]
    for case (let name, let value?) in fields { arguments += [Array(name.utf8), Array(value.utf8)] }
    add(TextNote(
      script: .article,
      keys: ["news:\(article.name)", TextScripts.stream, "withdrawn:news:\(article.name)"], arguments: arguments),
      raw.count * 2, &buffer)
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
