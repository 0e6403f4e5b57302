import HTTP
import Runtime

/// Where a Bina portal is and what its files are to be called.
package struct BinaPortal: Sendable {
  /// For logs and metrics.
  package var label: String
  /// The chain's name in messages; nil: the chain id in each file's name.
  package var chain: String?
  /// Ends in a slash, so that relative references stay below it.
  package var base: HTTPURL
  package var links: BinaEngine.Links

  /// - Throws: a configuration `Failure` when the address is none.
  package init(label: String, chain: String?, address: String, links: BinaEngine.Links = .direct) throws(Failure) {
    self.label = label
    self.chain = chain
    self.links = links
    do {
      base = try HTTPURL(address.hasSuffix("/") ? address : address + "/")
    } catch {
      throw Failure(.configuration, code: "bad_source", "--source: \(label) has no usable address: \(error)")
    }
  }

  func url(_ relative: String) throws(HTTPError) -> HTTPURL { try base.resolving(relative) }
}
