/// What is the same for every request of a client.
package struct HTTPConfiguration: Sendable, Hashable {
  package var addresses: AddressPolicy
  package var userAgent: String
  /// A file of PEM certificates to trust instead of the system's.
  package var certificateAuthorityFile: String?
  /// `http://host:port`. The proxy then resolves and connects: the address policy sees only the proxy, which has
  /// to refuse private addresses itself.
  package var proxy: String?
  /// Requests in flight to one origin; more wait their turn. 0 is no limit.
  package var maxPerOrigin: Int
  /// Shown as the name of the client's thread.
  package var name: String

  package init(
    addresses: AddressPolicy = AddressPolicy(), userAgent: String, certificateAuthorityFile: String? = nil,
    proxy: String? = nil, maxPerOrigin: Int = 0, name: String = "http"
  ) {
    self.addresses = addresses
    self.userAgent = userAgent
    self.certificateAuthorityFile = certificateAuthorityFile
    self.proxy = proxy
    self.maxPerOrigin = maxPerOrigin
    self.name = name
  }
}
