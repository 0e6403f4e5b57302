import Catalogue
import Core
import FeedHTTP
import Feeds
import HTTP
import Logging
import Markets
import Messages
import Redis
import Sentiment
import Values

/// Turns the tasks of one kind into requests, and the answers into messages: all that a kind of work is to the fetcher.
package protocol FetchAdapter: Sendable {
  /// - Parameter now: of the attempt.
  /// - Throws: `FetchError`: of the task or its answer, of the provider; `RedisError`, `HTTPError`, `Expired`.
  func fetch(_ task: FetchTask, from source: SourceClient, now: Timestamp) async throws -> Fetched

  /// What `--test` asks for.
  func testTask(of source: String, _ symbols: [String], now: Timestamp) -> FetchTask
}

/// What the answers to a task say.
package struct Fetched: Sendable {
  package struct Record: Hashable, Sendable {
    package var topic: Topic
    package var key: [UInt8]
    package var value: [UInt8]
    package var partitionKey: [UInt8]
  }
  /// New and changed.
  package private(set) var records: [Record] = []
  /// By symbol, why the provider does not have it: a dead letter for each, the others are published.
  package var refused: [String: any ClassifiedError] = [:]
  /// Called once when the records are acknowledged.
  package var remember: @Sendable () async throws -> Void = {}

  package init() {}

  package mutating func add<Body: Message>(_ message: Body, to topic: Topic = Body.topic) {
    records.append(Record(
      topic: topic, key: message.key, value: message.encoded(), partitionKey: message.partitionKey))
  }
}

/// One source of market data: its account, and the gate before every request to it.
package struct SourceClient: Sendable {
  package let source: DataSource
  /// Read again when the file that holds it changes.
  let keys: (key: Secret, secret: Secret?)
  package var key: String { (try? keys.key.resolve()) ?? "" }
  /// Of keys with two parts.
  package var secret: String? { try? keys.secret?.resolve() }
  /// Sent with each request; nil: as the client does.
  package let userAgent: String?
  /// Of the posts that are read.
  package let reads: ReadAccount
  package let gate: ProviderGate
  package let http: HTTPClient
  package let limits: HTTPLimits

  /// - Parameter maxBytes: of one answer.
  package init(
    _ source: DataSource, key: String, secret: String?, userAgent: String? = nil,
    reads: ReadAccount = ReadAccount(nil), gate: ProviderGate, http: HTTPClient, maxBytes: Int
  ) {
    self.source = source
    func followed(_ reference: Secret?, _ text: String) -> Secret {
      reference.flatMap { (try? $0.resolve()) == text ? $0 : nil } ?? Secret(text)
    }
    keys = (followed(source.key, key), secret.map { followed(source.secret, $0) })
    (self.userAgent, self.reads) = (userAgent, reads)
    self.gate = gate
    self.http = http
    var limits = Provider.limits(maxAnswerBytes: maxBytes)
    limits.totalTime = source.timeout
    limits.connectTime = min(limits.connectTime, source.timeout)
    // A redirect must not take the key to another origin.
    limits.maxRedirects = 0
    self.limits = limits
  }

  /// One request within the source's budget, read while it counts.
  /// - Parameter read: throws `FetchError` for an answer that is not what was asked for: a message about a quota pauses
  ///   all replicas, one about the key suspends the source.
  /// - Throws: as ``FetchAdapter/fetch(_:from:now:)``; the key is in no message.
  package func get<Answer: Sendable>(
    _ url: String, headers: HTTPHeaders = [:], for task: FetchTask, _ read: (HTTPResponse) throws -> Answer
  ) async throws -> Answer {
    try await send(HTTPRequest("GET", HTTPURL(url), headers: headers, limits: limits), for: task, read)
  }

  /// The same for any request.
  package func send<Answer: Sendable>(
    _ request: HTTPRequest, for task: FetchTask, _ read: (HTTPResponse) throws -> Answer
  ) async throws -> Answer {
    var request = request
    if let userAgent { request.headers["User-Agent"] = userAgent }
    return try await gate.ask(subject(of: task), before: task.deadline) {
      do {
        return try read(try await http.execute(request))
      } catch {
        throw withoutKey(error)
      }
    }
  }

  /// A page of a feed, within the source's budget.
  /// - Parameter verify: throws `FeedRefusal` for a message in the place of a page.
  /// - Throws: `FeedRefusal` for what the provider says.
  package func page(
    _ path: String, of feed: FeedAccess, for task: FetchTask, verify: ([UInt8]) throws -> Void = { _ in }
  ) async throws -> [UInt8] {
    let client = FeedClient(feed, http, limits: limits)
    return try await gate.ask(subject(of: task), before: task.deadline, meaning: FetchError.meaning) {
      let body = try await client.page(path)
      try verify(body)
      gate.metrics.answered(isCached: false)
      return body
    }
  }

  /// Pauses all replicas for a time that the provider asked for beside an answer.
  package func pause(_ time: Duration?) async throws {
    guard let time else { return }
    try await gate.pause(after: FetchError(.rateLimited, "no request is left of its period", retryAfter: time))
  }

  private func subject(of task: FetchTask) -> String { String(decoding: task.key, as: UTF8.self) }

  private func withoutKey(_ error: any Error) -> any Error {
    guard var failure = error as? FetchError else { return error }
    for word in [key, secret ?? ""] where !word.isEmpty {
      failure.message = failure.message.replacing(word, with: "***")
    }
    return failure
  }
}

extension FetchError {
  /// What a feed's refusal says of the provider; any other error is itself.
  static func meaning(of error: any Error) -> any Error {
    guard let refusal = error as? FeedRefusal else { return error }
    let kind: FetchError.Kind = switch refusal.kind {
    case .rateLimited: .rateLimited
    case .minuteQuota: .minuteQuotaSpent
    case .dayQuota: .dayQuotaSpent
    case .credentials: .refused
    case .plan: .notEntitled
    case .unknownSymbol: .symbolUnknown
    case .refused: .requestRefused
    case .unreadable, .cyclic: .unreadable
    }
    return FetchError(kind, refusal.message, retryAfter: refusal.retryAfter)
  }
}

/// The adapter of each kind of task. A new kind is a case of `FetchKind`, its topics in `Topics.fetched(by:)`, and an
/// adapter here.
extension FetchKind {
  /// Whether it publishes pointers to bytes that it stores.
  var storesDocuments: Bool { Topics.fetched(by: self).contains(Topics.documents) }

  /// - Parameters:
  ///   - queue: nil: what was published is remembered in this process.
  ///   - shelf: of a kind that stores documents.
  ///   - largest: bytes of one document.
  ///   - names: of companies.
  /// - Throws: a configuration `Failure`.
  func makeAdapter(
    _ queue: RedisMultiplexer?, shelf: DocumentShelf?, largest: Int, names: CompanyBook, _ logger: Logger
  ) throws -> any FetchAdapter {
    switch self {
    case .bars: try BarsAdapter(store: store(queue), logger: logger)
    case .chains: try ChainsAdapter()
    case .news: NewsAdapter(store: store(queue), names: names, logger: logger)
    case .social: SocialAdapter(store: store(queue), names: names, logger: logger)
    case .filings:
      FilingsAdapter(
        store: store(queue), shelf: try Self.needed(shelf), largest: largest, companies: queue, logger: logger)
    case .transcripts:
      TranscriptsAdapter(
        store: store(queue), shelf: try Self.needed(shelf), largest: largest, names: names, logger: logger)
    }
  }

  private static func needed(_ shelf: DocumentShelf?) throws(Failure) -> DocumentShelf {
    guard let shelf else { throw Failure(.fatal, code: "no_object_store", "documents are to be stored nowhere") }
    return shelf
  }

  private func store<History: PublishedHistory>(_ queue: RedisMultiplexer?) -> any HistoryStore<History> {
    if let queue { RedisHistoryStore<History>(queue) } else { MemoryHistoryStore<History>() }
  }
}
