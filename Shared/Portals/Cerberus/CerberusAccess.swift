import HTTP
import Runtime

/// Where a Cerberus web portal is, and as whom to visit it. One host serves a dozen chains; the user decides which
/// chain's files are shown.
package struct CerberusAccess: Hashable, Sendable {
  /// Ends in a slash, so that relative references stay below it.
  package let base: HTTPURL
  package let user: String
  /// Often there is none.
  package let password: Secret?
  /// Begins with a slash and ends without one; empty for the root. One chain keeps its files in a folder.
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

  /// What the catalogue says of a chain.
  package init(_ chain: Chain) throws(Failure) {
    try self.init(
      address: chain.locator, user: chain.user ?? "", password: chain.password, folder: chain.path ?? "/")
  }

  package func url(_ relative: String) throws(HTTPError) -> HTTPURL { try base.resolving(relative) }

  /// Where a file of the folder is downloaded, by a holder of a session.
  /// - Parameter fileName: letters, digits, dashes and dots, as the grammar of price file names has it.
  package func link(toFile fileName: String) throws(HTTPError) -> HTTPURL { try url("file/d\(folder)/\(fileName)") }
}
