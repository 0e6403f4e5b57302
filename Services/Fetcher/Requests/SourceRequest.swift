import Commodities
import Core
import HTTP
import Values

/// Builds the request to one source for one job.
package struct SourceRequest: Sendable {
  private let source: CommoditySource
  private let token: String?
  private let limits: HTTPLimits

  /// - Parameter limits: the time limits come from the source.
  package init(_ source: CommoditySource, token: String?, limits: HTTPLimits) {
    self.source = source
    self.token = token
    var limits = limits
    limits.totalTime = source.timeout
    limits.connectTime = min(limits.connectTime, source.timeout)
    // A redirect must not take a custom token header to another origin; curl drops only Authorization.
    if let header = source.tokenHeader, !HTTPHeaders.same(header, "Authorization") { limits.maxRedirects = 0 }
    self.limits = limits
  }

  /// - Throws: `HTTPError` when the filled template is not a URL.
  package func request(for job: FetchJob) throws(HTTPError) -> HTTPRequest {
    let text = source.url.filled { PercentEncoding.encode(value(of: $0, job)) }
    var request = HTTPRequest("GET", try HTTPURL(text), limits: limits)
    request.headers["Accept"] = source.kind == .csv ? "text/csv, text/plain;q=0.9, */*;q=0.1" : "application/json"
    if let header = source.tokenHeader, let token {
      request.headers[header] = HTTPHeaders.same(header, "Authorization") ? "Bearer \(token)" : token
    }
    return request
  }

  /// The value of a slot in a template of this source.
  package func value(of slot: TextTemplate.Slot, _ job: FetchJob) -> String {
    switch slot {
    // A symbol's own template cannot contain {symbol}.
    case .symbol: source.name(of: job.material)?.filled { value(of: $0, job) } ?? ""
    case .material: job.series.material
    case .country: job.series.country
    case .region: job.series.region
    case .category: job.series.category.rawValue
    case .kind: job.kind.rawValue
    case .currency: job.country?.currency ?? job.material.currency ?? ""
    case .unit: job.material.unit ?? ""
    case .token: token ?? ""
    case .dueAt: "\(job.dueAt.at(offsetMinutes: 0) ?? job.dueAt)"
    case .dueAtUnix: "\(Int64((Double(job.dueAt.microseconds) / 1_000_000).rounded(.down)))"
    case .dueDay: String("\(job.dueAt.at(offsetMinutes: 0) ?? job.dueAt)".prefix(10))
    }
  }
}
