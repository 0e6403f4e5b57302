import Core
import Messages
import Redis
import SearchStore
import ServiceKit

/// A refusal as RFC 9457 has it: `application/problem+json`, with the code that programs compare as `code`.
struct Problem: Error, Sendable {
  var status: Int
  var code: String
  var detail: String
  var headers: [(name: String, value: String)] = []
  /// What is away, without which there is no answer.
  var degraded: [String] = []

  init(
    _ status: Int, _ code: String, _ detail: String, headers: [(name: String, value: String)] = [],
    degraded: [String] = []
  ) {
    (self.status, self.code, self.detail, self.headers) = (status, code, detail, headers)
    self.degraded = degraded
  }

  /// Something that this answer needs is away.
  static func away(_ part: String, _ detail: String, after seconds: Int = 1) -> Problem {
    Problem(503, "\(part)_away", detail, headers: [("retry-after", "\(seconds)")], degraded: [part])
  }

  /// What a handler threw: an outage of something behind the gateway is 503, and says when to ask again.
  init(_ error: any Error) {
    if let problem = error as? Problem {
      self = problem
      return
    }
    switch ErrorClass(of: error) {
    case .transient:
      self.init(
        503, publicCode(of: error), "something that this answer needs is away; ask again",
        headers: [("retry-after", "1")], degraded: error is RedisError ? ["redis"] : [])
    case .data where error is UserDocumentError || error is SemanticCacheError:
      self.init(400, publicCode(of: error), "\(error)")
    case .data, .configuration, .fatal:
      self.init(500, publicCode(of: error), "the gateway cannot answer this; its log says why")
    }
  }

  static func badParameter(_ name: String, _ what: String) -> Problem {
    Problem(400, "bad_parameter", "'\(name)' \(what)")
  }

  func answer(to path: String) -> ServerAnswer {
    var writer = JSONWriter()
    writer.beginObject()
    for (name, value) in [("type", "about:blank"), ("title", title), ("code", code), ("detail", detail)] {
      writer.key(named: name)
      writer.string(value)
    }
    writer.key("status")
    writer.integer(Int64(status))
    writer.key("instance")
    writer.string(path)
    if !degraded.isEmpty {
      writer.key("degraded")
      writer.strings(degraded)
    }
    writer.endObject()
    var answer = ServerAnswer(status: status, type: "application/problem+json", writer.array())
    answer.headers += headers
    return answer
  }

  /// The phrases of RFC 9110, section 15.
  private var title: String {
    switch status {
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 409: "Conflict"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 429: "Too Many Requests"
    case 503: "Service Unavailable"
    default: "Internal Server Error"
    }
  }
}
