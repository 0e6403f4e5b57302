import Core
import HTTPTypes
import HummingbirdCore
import NIOCore
import SimulatorServer
import Synchronization

/// Transcripts as Alpha Vantage and FMP give them, and as pages.
///
///     GET /query?function=EARNINGS_CALL_TRANSCRIPT&symbol=&quarter=&apikey=
///     GET /stable/earning-call-transcript?symbol=&year=&quarter=&apikey=
///     GET /_transcripts/<symbol>/<quarter>.html
package final class TranscriptSimulator: Sendable {
  private let key: String
  private let state = Mutex((calls: [String: String](), limits: 0))

  init(key: String) { self.key = key }

  /// - Parameter text: lines of `Name: what is said`; nil removes the call.
  package func set(_ symbol: String, _ quarter: String, _ text: String?) {
    state.withLock { $0.calls["\(symbol) \(quarter)"] = text }
  }

  /// Gives each invented company a call of the last quarter of the calendar.
  package func fill(at seconds: Int64 = WallClock.seconds()) {
    let date = CivilDate(daysSinceEpoch: seconds / 86_400)
    let quarters = date.year * 4 + (date.month + 2) / 3 - 2
    for company in NewsCorpus.companies {
      set(company.symbol, "\(quarters / 4)Q\(quarters % 4 + 1)", """
        Operator: Good afternoon, and welcome to the earnings call of \(company.name).
        Dana Reed: Thank you. Revenue of \(company.name) grew in all regions, and we raise our guidance.
        Sam Ortiz: Margins were under pressure from freight; we expect them to recover by the summer.
        Operator: We take the first question.
        Lee Park: How much of the growth of \(company.name) comes from services?
        Dana Reed: About a third, and it grows faster than the rest.
        """)
    }
  }

  /// The next so many answers say that there were too many requests, with status 200.
  package func limit(_ count: Int) { state.withLock { $0.limits = count } }

  /// - Parameter kind: `alpha-vantage` or `fmp`.
  package func body(_ symbol: String, _ quarter: String, _ kind: String) -> String {
    let text = state.withLock { $0.calls["\(symbol) \(quarter)"] }
    if kind == "fmp" {
      guard let text else { return "[]" }
      return """
        [{"symbol":"\(symbol)","quarter":\(quarter.suffix(1)),"year":\(quarter.prefix(4)),\
        "date":"2026-10-30 17:00:00","content":\(SocialSimulator.quoted(text))}]
        """
    }
    let turns = (text ?? "").split(separator: "\n").map { line in
      let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
      return """
        {"speaker":\(SocialSimulator.quoted(parts[0])),"title":"Officer",\
        "content":\(SocialSimulator.quoted(parts.count > 1 ? String(parts[1].dropFirst()) : "")),"sentiment":"0.5"}
        """
    }
    return #"{"symbol":"\#(symbol)","quarter":"\#(quarter)","transcript":[\#(turns.joined(separator: ","))]}"#
  }

  func addRoutes(to router: Router) {
    router.get("/query") { request, _ in
      let query = request.uri.queryParameters
      guard query["function"] == "EARNINGS_CALL_TRANSCRIPT", query["apikey"].map(String.init) == self.key else {
        return Self.response(.ok, #"{"Error Message":"the parameter apikey is invalid or missing."}"#)
      }
      if self.isLimited {
        return Self.response(
          .ok, #"{"Information":"Our standard API rate limit is 25 requests per day. Please subscribe"}"#)
      }
      let (symbol, quarter) = (String(query["symbol"] ?? ""), String(query["quarter"] ?? ""))
      return Self.response(.ok, self.body(symbol, quarter, "alpha-vantage"))
    }
    router.get("/stable/earning-call-transcript") { request, _ in
      let query = request.uri.queryParameters
      guard query["apikey"].map(String.init) == self.key else {
        return Self.response(.unauthorized, #"{"Error Message":"Invalid API KEY."}"#)
      }
      if self.isLimited { return Self.response(.ok, #"{"Error Message":"Limit reached . Please upgrade"}"#) }
      let quarter = "\(query["year"] ?? "")Q\(query["quarter"] ?? "")"
      return Self.response(.ok, self.body(String(query["symbol"] ?? ""), quarter, "fmp"))
    }
    router.get("/_transcripts/{symbol}/{file}") { _, parameters in
      let (symbol, file) = (parameters["symbol"] ?? "", parameters["file"] ?? "")
      let quarter = String(file.prefix { $0 != "." })
      guard let text = self.state.withLock({ $0.calls["\(symbol) \(quarter)"] }) else {
        return Self.response(.notFound, "<p>no such page</p>", type: "text/html")
      }
      let lines = text.split(separator: "\n").map { "<p>\($0)</p>" }.joined()
      return Self.response(.ok, "<html><body>\(lines)</body></html>", type: "text/html; charset=utf-8")
    }
  }

  private var isLimited: Bool {
    state.withLock { state in
      guard state.limits > 0 else { return false }
      state.limits -= 1
      return true
    }
  }

  private static func response(
    _ status: HTTPResponse.Status, _ body: String, type: String = "application/json"
  ) -> Response {
    Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: body)))
  }
}
