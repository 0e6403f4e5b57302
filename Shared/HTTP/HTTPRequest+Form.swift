import Core

extension HTTPRequest {
  /// A POST of form fields, as `application/x-www-form-urlencoded`: everything but RFC 3986's unreserved characters
  /// is percent-encoded, blanks included.
  package static func form(
    _ url: HTTPURL, _ fields: [(name: String, value: String)], headers: HTTPHeaders = [:],
    limits: HTTPLimits = HTTPLimits()
  ) -> HTTPRequest {
    let body = fields.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
      .joined(separator: "&")
    var headers = headers
    headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
    return HTTPRequest("POST", url, headers: headers, body: .bytes(Array(body.utf8)), limits: limits)
  }
}
