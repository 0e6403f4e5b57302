import Glibc

/// An account of the system, by number.
package struct Account: Hashable, Sendable {
  package var user: UInt32
  package var group: UInt32

  package init(user: UInt32, group: UInt32) {
    self.user = user
    self.group = group
  }

  /// - Returns: nil when the system has no account of that name.
  package init?(named name: String) {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var strings = [CChar](repeating: 0, count: 16_384)
    guard getpwnam_r(name, &entry, &strings, strings.count, &found) == 0, found != nil else { return nil }
    self.init(user: entry.pw_uid, group: entry.pw_gid)
  }

  /// An account without privileges for a server that refuses to run as root; nil when not root, where the server
  /// runs as the caller.
  package static func unprivileged(preferring names: [String]) -> Account? {
    guard geteuid() == 0 else { return nil }
    return (names + ["nobody"]).lazy.compactMap { Account(named: $0) }.first { $0.user != 0 }
  }
}
