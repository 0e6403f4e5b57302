/// Which addresses may be connected to.
///
/// URLs come from listings that others write. Without this, a listing could make a service inside our network
/// fetch from our own machines and metadata endpoints (server-side request forgery).
package struct AddressPolicy: Sendable, Hashable {
  package var allowsPrivate: Bool
  /// Exceptions, for a portal mirror on a private network.
  package var allowed: [IPNetwork]

  package init(allowsPrivate: Bool = false, allowed: [IPNetwork] = []) {
    self.allowsPrivate = allowsPrivate
    self.allowed = allowed
  }

  /// Nil when `address` may be connected to, else the kind of address it is.
  package func refusal(of address: IPAddress) -> String? {
    if allowsPrivate || allowed.contains(where: { $0.contains(address) }) { return nil }
    if let block = Self.reserved.first(where: { $0.network.contains(address) }) { return block.name }
    // An IPv6 address can carry an IPv4 one, and the kernel or a gateway on the way may unwrap it.
    guard let carried = Self.carriedV4(address) else { return nil }
    if allowed.contains(where: { $0.contains(carried) }) { return nil }
    return Self.reserved.first { $0.network.contains(carried) }.map { "\($0.name), inside an IPv6 address" }
  }

  /// The IANA special-purpose registries (RFC 6890 and its updates): everything not globally reachable.
  static let reserved: [(network: IPNetwork, name: String)] = [
    ("0.0.0.0/8", "this network"), ("10.0.0.0/8", "private"), ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"), ("169.254.0.0/16", "link-local"), ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"), ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"), ("192.168.0.0/16", "private"), ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"), ("203.0.113.0/24", "documentation"), ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved or broadcast"),
    ("::/128", "unspecified"), ("::1/128", "loopback"), ("64:ff9b:1::/48", "local NAT64"), ("100::/64", "discard"),
    ("2001::/23", "protocol assignments"), ("2001:db8::/32", "documentation"), ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"), ("fc00::/7", "unique local"), ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"), ("ff00::/8", "multicast"),
  ].compactMap { text, name in IPNetwork(text).map { ($0, name) } }

  /// Where the forms that wrap an IPv4 address keep it: mapped (RFC 4291), compatible (RFC 4291), translated
  /// (RFC 2765), NAT64 (RFC 6052), 6to4 (RFC 3056).
  private static let wrappers: [(network: IPNetwork, offset: Int)] = [
    ("::ffff:0:0/96", 12), ("::/96", 12), ("::ffff:0:0:0/96", 12), ("64:ff9b::/96", 12), ("2002::/16", 2),
  ].compactMap { text, offset in IPNetwork(text).map { ($0, offset) } }

  static func carriedV4(_ address: IPAddress) -> IPAddress? {
    guard let wrapper = wrappers.first(where: { $0.network.contains(address) }) else { return nil }
    return IPAddress(bytes: Array(address.bytes[wrapper.offset..<wrapper.offset + 4]))
  }
}
