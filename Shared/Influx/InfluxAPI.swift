/// The write API of a server.
///
/// Sources: InfluxDB 1.8 "API reference, /write", InfluxDB 2.7 "POST /api/v2/write" (which InfluxDB 3 and
/// VictoriaMetrics serve too). Both take line protocol with times in microseconds and answer 204.
package enum InfluxAPI: Hashable, Sendable {
  /// `/write?db=…`: InfluxDB 1.x, VictoriaMetrics.
  case v1(database: String, retentionPolicy: String?)
  /// `/api/v2/write?org=…&bucket=…`: InfluxDB 2.x and 3.x, VictoriaMetrics.
  case v2(organization: String?, bucket: String)

  /// The path and query of a write.
  var target: String {
    switch self {
    case .v1(let database, let policy):
      "/write?precision=u&db=\(escaped(database))" + (policy.map { "&rp=\(escaped($0))" } ?? "")
    case .v2(let organization, let bucket):
      "/api/v2/write?precision=us&bucket=\(escaped(bucket))" + (organization.map { "&org=\(escaped($0))" } ?? "")
    }
  }

  private func escaped(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default: result += byte < 16 ? "%0\(String(byte, radix: 16))" : "%\(String(byte, radix: 16))"
      }
    }
    return result
  }
}

/// Credentials for writing.
package enum InfluxCredentials: Hashable, Sendable {
  case none
  /// HTTP Basic, InfluxDB 1.x.
  case user(name: String, password: String)
  /// `Authorization: Token …`, InfluxDB 2.x and 3.x.
  case token(String)
}
