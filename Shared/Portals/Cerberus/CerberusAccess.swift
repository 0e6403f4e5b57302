import Core
import HTTP

/// The address and login of a Cerberus web portal. One host serves a dozen chains; the user decides which chain's files
/// it shows.
package struct CerberusAccess: Hashable, Sendable {
  /// Ends in a slash, so that relative references stay below it.
  package let base: HTTPURL
  package let user: String
  /// Many portals have none.
  package let password: Secret?
  /// Begins with a slash and does not end in one; empty for the root. One chain keeps its files in a folder.
  package let folder: String

  /// - Parameters:
  ///   - address: such as `https://url.publishedprices.co.il`.
  ///   - folder: such as `/` or `/Yuda`.
  /// - Throws: a configuration `Failure` for an address, a user or a folder that cannot be used.
  package init(address: String, user: String, password: Secret? = nil, folder: String = "/") throws(Failure) {
    do {
      base = try HTTPURL(address.hasSuffix("/") ? address : address + "/")
    } catch {
      throw Failure(.configuration, code: "bad_portal", "no usable address of a Cerberus portal: \(error)")
    }
    guard !user.isEmpty else {
      throw Failure(.configuration, code: "bad_portal", "a Cerberus portal needs a user: \(base)")
    }
    let parts = folder.split(separator: "/")
    guard parts.allSatisfy({ $0 != "." && $0 != ".." }) else {
      throw Failure(.configuration, code: "bad_portal", "not a folder of a Cerberus portal: '\(folder)'")
    }
    self.user = user
    self.password = password
    self.folder = parts.map { "/\($0)" }.joined()
  }

  /// From a chain of the catalogue.
  package init(_ chain: Chain) throws(Failure) {
    try self.init(address: chain.locator, user: chain.user ?? "", password: chain.password, folder: chain.path ?? "/")
  }

  package func url(_ relative: String) throws(HTTPError) -> HTTPURL { try base.resolving(relative) }

  /// The download link of a file in the folder; it needs a session.
  /// - Parameter fileName: letters, digits, dashes and dots, per the grammar of price file names.
  package func link(toFile fileName: String) throws(HTTPError) -> HTTPURL { try url("file/d\(folder)/\(fileName)") }
}
