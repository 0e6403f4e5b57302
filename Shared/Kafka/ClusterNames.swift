/// What a cluster calls a fleet's topics, consumer groups and transactional ids: their names in the catalogue behind
/// the fleet's prefix, so that several fleets share a cluster.
///
/// The prefix is added and removed where the library is called, and only there. Tables, metrics, objects and dead
/// letters have the names of the catalogue, whatever the prefix.
package struct ClusterNames: Hashable, Sendable {
  /// The property of clients that has the prefix; it is not one of the library.
  package static let property = "souk.topic.prefix"
  package static let longestPrefix = 100

  package let prefix: String

  package init(prefix: String = "") { self.prefix = prefix }

  /// What is wrong with a prefix; nil when nothing is.
  package static func problem(_ prefix: String) -> String? {
    let isLegal = prefix.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
      default: false
      }
    }
    if !isLegal { return "letters, digits and the characters . _ - are allowed" }
    return prefix.utf8.count > longestPrefix ? "it may have \(longestPrefix) characters" : nil
  }

  package func onCluster(_ name: String) -> String { prefix.isEmpty ? name : prefix + name }

  /// - Returns: nil for what belongs to another fleet.
  package func inFleet(_ name: String) -> String? {
    if prefix.isEmpty { return name }
    return name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : nil
  }

  /// - Parameter name: of a topic that a client of this fleet asked for.
  func topic(_ name: UnsafePointer<CChar>!) -> String {
    let text = String(cString: name)
    return inFleet(text) ?? text
  }
}
