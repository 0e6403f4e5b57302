import Core
import HTTP

/// Where and how to write.
package struct InfluxConfiguration: Hashable, Sendable {
  package var base: HTTPURL
  package var api: InfluxAPI
  package var credentials: InfluxCredentials
  package var createsDatabase: Bool
  package var timeout: Duration
  /// 0...9; 0 is no compression.
  package var gzipLevel: Int
  package var certificateAuthorityFile: String?

  package init(
    base: HTTPURL, api: InfluxAPI, credentials: InfluxCredentials = .none, createsDatabase: Bool = false,
    timeout: Duration = .seconds(30), gzipLevel: Int = 1, certificateAuthorityFile: String? = nil
  ) {
    self.base = base
    self.api = api
    self.credentials = credentials
    self.createsDatabase = createsDatabase
    self.timeout = timeout
    self.gzipLevel = gzipLevel
    self.certificateAuthorityFile = certificateAuthorityFile
  }
}

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
    let (path, fields) = switch self {
    case .v1(let database, let policy): ("/write?precision=u", [("db", database), ("rp", policy)])
    case .v2(let organization, let bucket): ("/api/v2/write?precision=us", [("bucket", bucket), ("org", organization)])
    }
    return fields.reduce(path) { path, field in
      path + (field.1.map { "&\(field.0)=\(PercentEncoding.encode($0))" } ?? "")
    }
  }
}

/// Credentials for writing.
package enum InfluxCredentials: Hashable, Sendable {
  case none
  /// HTTP Basic, InfluxDB 1.x.
  case user(name: String, password: Secret)
  /// `Authorization: Token …`, InfluxDB 2.x and 3.x.
  case token(Secret)
}
