import Core
import Foundation

/// The file in which a server that chose its own port says where it listens: one line of `host:port` or ports.
///
/// The operator named the path, so a file with any other content is refused and kept.
package struct AddressFile: Sendable {
  package let path: String

  /// - Throws: `Failure` of class configuration when the path holds what is no address.
  package init(_ path: String) throws(Failure) {
    self.path = path
    guard FileManager.default.fileExists(atPath: path) else { return }
    let text = String(decoding: try readFile(path, limit: 64 << 10), as: UTF8.self)
    guard text.isEmpty || Self.isAddress(text) else {
      throw Failure(.configuration, code: "address_file", "\(path) holds no address and is kept; name another file")
    }
  }

  /// Written beside and renamed: a reader never sees half of it.
  package func write(_ address: String) throws(Failure) {
    do { try Data("\(address)\n".utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw Failure(.configuration, code: "address_file", "cannot write \(path): \(error.localizedDescription)")
    }
  }

  /// Removes the file if it still says `address`.
  package func remove(_ address: String) {
    guard let bytes = try? readFile(path, limit: 64 << 10), bytes == Array("\(address)\n".utf8) else { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  private static func isAddress(_ text: String) -> Bool {
    guard text.hasSuffix("\n"), !text.dropLast().contains("\n") else { return false }
    return text.dropLast().split(separator: ",", omittingEmptySubsequences: false).allSatisfy { server in
      let port = server.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
      return UInt16(port) != nil && !server.contains(" ")
    }
  }
}
