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
