import Glibc

/// An IPv4 or IPv6 address as its bytes in network order (4 or 16).
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
  package let bytes: [UInt8]

  /// - Returns: nil unless `text` is a plain numeric address (no zone, no brackets).
  package init?(_ text: String) {
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      bytes = withUnsafeBytes(of: &v4) { Array($0) }
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      bytes = withUnsafeBytes(of: &v6) { Array($0) }
    } else {
      return nil
    }
  }

  /// - Parameter bytes: 4 or 16, in network order.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// The address inside a `sockaddr_in` or `sockaddr_in6`; nil for any other family.
  package init?(family: Int32, sockaddr: UnsafeRawPointer) {
    switch family {
    case AF_INET:
      var address = sockaddr.loadUnaligned(as: sockaddr_in.self).sin_addr
      bytes = withUnsafeBytes(of: &address) { Array($0) }
    case AF_INET6:
      var address = sockaddr.loadUnaligned(as: sockaddr_in6.self).sin6_addr
      bytes = withUnsafeBytes(of: &address) { Array($0) }
    default:
      return nil
    }
  }

  package var isV4: Bool { bytes.count == 4 }

  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    _ = inet_ntop(isV4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

/// A block of addresses in CIDR notation (RFC 4632): `10.0.0.0/8`, `fc00::/7`; without a length, one address.
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
  package let base: IPAddress
  package let prefixLength: Int

  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let base = IPAddress(String(parts[0])) else { return nil }
    let bits = base.bytes.count * 8
    guard let length = parts.count == 1 ? bits : Int(parts[1]), (0...bits).contains(length) else { return nil }
    self.base = base
    prefixLength = length
  }

  package func contains(_ address: IPAddress) -> Bool {
    guard address.bytes.count == base.bytes.count else { return false }
    let whole = prefixLength / 8
    guard address.bytes.prefix(whole) == base.bytes.prefix(whole) else { return false }
    let rest = prefixLength % 8
    return rest == 0 || (address.bytes[whole] ^ base.bytes[whole]) >> (8 - rest) == 0
  }

  package var description: String { "\(base)/\(prefixLength)" }
}
