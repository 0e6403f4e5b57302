import ArgumentParser

/// One of several crawlers that share the chains: `0/3`, `1/3`, `2/3`.
///
/// A stable hash of the chain's name gives its shard, so every replica knows its own chains. Changing the count moves
/// chains; the shared state prevents repeated announcements.
package struct Shard: Hashable, Sendable, ExpressibleByArgument {
  package let index: Int
  package let count: Int

  package init?(argument: String) {
    let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let index = Int(parts[0]), let count = Int(parts[1]), (1...1_000).contains(count),
      (0..<count).contains(index)
    else { return nil }
    self.index = index
    self.count = count
  }

  package var defaultValueDescription: String { "\(index)/\(count)" }

  package func owns(_ chain: String) -> Bool { Int(Self.hash(chain) % UInt64(count)) == index }

  /// FNV-1a (64 bits) with its high half folded in, because `%` uses the low bits.
  static func hash(_ text: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return hash ^ (hash >> 32)
  }
}
