import Core
import Foundation
import HTTP

/// The result of writing a body of points.
package enum WriteAnswer: Hashable, Sendable {
  /// All points can be queried.
  case written
  /// The server dropped this many points because they are older than its retention; the others can be queried.
  case outsideRetention(dropped: Int)
  /// At least one point is refused because of its content; others of the body may have been written.
  case refused(String)
  /// The body is larger than the server accepts.
  case tooLarge

  /// Interprets a response about the points. Other responses are errors, see `InfluxError`.
  ///
  /// InfluxDB 1.x says `{"error":"partial write: …  dropped=2"}` with 400 and has written the rest; 2.x says
  /// `{"code":"unprocessable entity","message":"…"}` with 422 for points beyond retention, and 400 for what cannot
  /// be parsed; 3.x answers 400 with a list of the refused lines; VictoriaMetrics skips such points by itself.
  package init?(status: Int, body: String) {
    switch status {
    case 200..<300: self = .written
    case 413: self = .tooLarge
    case 400, 422:
      let text = body.lowercased()
      let isRetention = text.contains("beyond retention policy") || text.contains("outside retention policy")
        || text.contains("retention policy violation") || text.contains("violating a retention policy")
      // A message that also names another cause is about content: the points must be tried one by one.
      if isRetention, !text.contains("field type conflict"), !text.contains("unable to parse") {
        self = .outsideRetention(dropped: Self.dropped(in: text))
      } else {
        self = .refused(Self.reason(in: body))
      }
    default: return nil
    }
  }

  /// The number after `dropped=`; 1 when the server does not say.
  private static func dropped(in text: String) -> Int {
    guard let found = text.firstRange(of: "dropped=") else { return 1 }
    return Int(text[found.upperBound...].prefix { $0.isNumber }) ?? 1
  }

  /// The server's message, up to a length that fits a header; a longer one says how much is missing. The point itself,
  /// between single quotes, is left out: it belongs in the dead letter, not in the log.
  private static func reason(in body: String) -> String {
    struct Answer: Decodable {
      struct Line: Decodable {
        var error_message: String?
      }
      var error: String?
      var message: String?
      /// InfluxDB 3: the lines that are refused.
      var data: [Line]?
    }
    let answer = try? JSONDecoder().decode(Answer.self, from: Data(body.utf8))
    let lines = answer?.data?.compactMap(\.error_message) ?? []
    let words = [answer?.error ?? answer?.message ?? (answer == nil ? String(body.prefix { $0 != "\"" }) : "")]
      + lines
    let text = words.map(withoutQuote).filter { !$0.isEmpty }.joined(separator: ": ")
      .trimmingCharacters(in: .whitespacesAndNewlines)
    if text.isEmpty { return "the server gives no reason" }
    let limit = 800
    return text.count <= limit ? text : "\(text.prefix(limit))… and \(text.count - limit) more characters"
  }

  private static func withoutQuote(_ words: String) -> String {
    guard let first = words.firstIndex(of: "'"), let last = words.lastIndex(of: "'"), first < last else { return words }
    return "\(words[...first])…\(words[last...])"
  }
}

/// Errors for responses that are not about the points.
enum InfluxError {
  /// 401 and 403: credentials; 404: database, bucket or organization. The operator has to fix both.
  static func failure(_ response: HTTPResponse) -> any Error {
    let (status, head) = (response.status, response.head)
    return switch status {
    case 401, 403:
      Failure(
        .configuration, code: "influx_unauthorized",
        "\(head.url) refuses the credentials (\(status)): check INFLUX_TOKEN, or --influx-user and INFLUX_PASSWORD")
    case 404:
      Failure(
        .configuration, code: "influx_not_found",
        "\(head.url) does not know the database, bucket or organization: create it (--influx-create-database for "
          + "InfluxDB 1.x), or check --influx-bucket and --influx-org")
    default:
      HTTPError(
        .status(status), "the server answered \(status)", url: head.url,
        retryAfter: head.headers["retry-after"].flatMap { RetryAfter.delay($0) })
    }
  }
}
