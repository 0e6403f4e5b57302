extension HTTPRequest {
  /// A POST of form fields, as `application/x-www-form-urlencoded`: everything but RFC 3986's unreserved characters
  /// is percent-encoded, blanks included.
  package static func form(
    _ url: HTTPURL, _ fields: [(name: String, value: String)], headers: HTTPHeaders = [:],
    limits: HTTPLimits = HTTPLimits()
  ) -> HTTPRequest {
    var body: [UInt8] = []
    for (name, value) in fields {
      if !body.isEmpty { body.append(UInt8(ascii: "&")) }
      append(name, to: &body)
      body.append(UInt8(ascii: "="))
      append(value, to: &body)
    }
    var headers = headers
    headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
    return HTTPRequest("POST", url, headers: headers, body: .bytes(body), limits: limits)
  }

  private static func append(_ text: String, to body: inout [UInt8]) {
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        body.append(byte)
      default: body += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
  }
}
