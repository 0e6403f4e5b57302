/// What is the same for every request of a client.
package struct HTTPConfiguration: Sendable, Hashable {
  package enum Protocols: Sendable, Hashable {
    /// HTTP/1.1 only: for few large bodies, where HTTP/2 gains nothing and a slow consumer of one would stall the
    /// others of its connection.
    case http1
    /// HTTP/2 where a TLS server offers it, many requests over each connection; for many small bodies.
    case http2
  }

  package var addresses: AddressPolicy
  package var userAgent: String
  /// A file of PEM certificates to trust instead of the system's.
  package var certificateAuthorityFile: String?
  /// `http://host:port`. The proxy then resolves and connects: the address policy sees only the proxy, which has
  /// to refuse private addresses itself.
  package var proxy: String?
  /// Requests in flight to one origin; more wait their turn. 0 is no limit.
  package var maxPerOrigin: Int
  package var protocols: Protocols
  /// Idle connections that are kept for reuse, over all hosts: as many as requests are in flight, or most of them are
  /// closed and opened again.
  package var maxIdleConnections: Int
  /// Shown as the name of the client's thread.
  package var name: String

  package init(
    addresses: AddressPolicy = AddressPolicy(), userAgent: String, certificateAuthorityFile: String? = nil,
    proxy: String? = nil, maxPerOrigin: Int = 0, protocols: Protocols = .http1, maxIdleConnections: Int = 256,
    name: String = "http"
  ) {
    self.addresses = addresses
    self.userAgent = userAgent
    self.certificateAuthorityFile = certificateAuthorityFile
    self.proxy = proxy
    self.maxPerOrigin = maxPerOrigin
    self.protocols = protocols
    self.maxIdleConnections = maxIdleConnections
    self.name = name
  }
}
