import Core
import HTTP
import Markets
import Messages
import Values

/// A transcript as a provider gives it.
struct TranscriptAnswer: Sendable {
  /// The whole answer, unchanged.
  var bytes: [UInt8]
  /// Without the key.
  var url: String
  /// Where the provider says it.
  var publishedAt: Timestamp?

  /// - Returns: nil when there is no transcript of that quarter, or not yet.
  /// - Throws: as ``SourceClient``.
  static func ask(
    _ symbol: String, _ quarter: FiscalQuarter, _ task: FetchTask, _ source: SourceClient, atMost largest: Int
  ) async throws -> TranscriptAnswer? {
    let name = PercentEncoding.encode(symbol.replacing(".", with: "-"))
    let url = switch source.source.kind {
    case .fmp:
      (source.source.url ?? "https://financialmodelingprep.com")
        + "/stable/earning-call-transcript?symbol=\(name)&year=\(quarter.year)&quarter=\(quarter.number)"
    default:
      (source.source.url ?? "https://www.alphavantage.co")
        + "/query?function=EARNINGS_CALL_TRANSCRIPT&symbol=\(name)&quarter=\(quarter)"
    }
    var limits = source.limits
    limits.maxBodyBytes = largest
    let request = HTTPRequest(
      "GET", try HTTPURL(url + "&apikey=\(PercentEncoding.encode(source.key))"), limits: limits)
    do {
      let found = try await source.send(request, for: task) { response in try read(response) }
      return found.map { TranscriptAnswer(bytes: $0.bytes, url: url, publishedAt: $0.date) }
    } catch let error as FetchError where error.kind == .noValue {
      return nil
    }
  }

  /// - Returns: nil for an empty one.
  /// - Throws: `FetchError` for a message in the place of a transcript, whatever its status; `HTTPError`.
  static func read(_ response: HTTPResponse) throws -> (bytes: [UInt8], date: Timestamp?)? {
    let tree: JSONTree
    do { tree = try response.tree(maxBytes: 64 << 20) } catch {
      guard response.status != 200, let message = ProviderMessage(body: response.body) else { throw error }
      throw message.failure(status: response.status)
    }
    // Alpha Vantage: an object with turns. FMP: rows with one text each.
    if response.status == 200, let turns = tree["transcript"]?.items {
      return turns.isEmpty ? nil : (response.body, nil)
    }
    if response.status == 200, let rows = tree.items {
      guard let row = rows.first(where: { !($0["content"]?.text ?? "").isEmpty }) else { return nil }
      return (response.body, row["date"]?.text.flatMap(date))
    }
    if let message = ProviderMessage(in: tree) { throw message.failure(status: response.status) }
    try response.head.requireSuccess()
    throw FetchError(.unrecognised, "the answer is no transcript")
  }

  /// `2025-10-30 17:00:00` or a day alone. No zone is said: it is taken as UTC.
  static func date(_ text: String) -> Timestamp? {
    let parts = text.split(separator: " ")
    guard let day = parts.first.flatMap({ CivilDate($0) }) else { return nil }
    let time = (parts.count > 1 ? parts[1] : "").split(separator: ":").compactMap { Int($0) }
    return Timestamp(
      year: day.year, month: day.month, day: day.day, hour: time.count > 1 ? time[0] : 0,
      minute: time.count > 1 ? time[1] : 0)
  }
}
