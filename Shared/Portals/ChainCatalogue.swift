import Core

/// The chains known by name: the embedded ones, and those of a file that add to or replace them.
package struct ChainCatalogue: Sendable {
  package private(set) var chains: [Chain]

  package init(_ chains: [Chain] = []) { self.chains = chains }

  package func named(_ slug: String) -> Chain? { chains.first { $0.slug == slug } }

  /// These chains and those of `other`, which wins where both have a name.
  package func overridden(by other: ChainCatalogue) -> ChainCatalogue {
    var merged = chains.map { other.named($0.slug) ?? $0 }
    merged += other.chains.filter { named($0.slug) == nil }
    return ChainCatalogue(merged)
  }

  /// The embedded catalogue.
  package static let embedded: ChainCatalogue = {
    do {
      return try ChainCatalogue(yaml: embeddedText, origin: "the embedded catalogue")
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  /// The embedded catalogue with the chains of a file added to it.
  /// - Throws: a configuration `Failure` naming file and line.
  package static func load(file path: String?) throws(Failure) -> ChainCatalogue {
    guard let path else { return embedded }
    let text = String(decoding: try readFile(path, limit: 4 << 20), as: UTF8.self)
    return embedded.overridden(by: try ChainCatalogue(yaml: text, origin: path))
  }
}
