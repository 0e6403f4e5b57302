import Runtime

/// The chains known by name: those embedded here, and those of a file of the same form over them.
package struct ChainCatalogue: Sendable {
  package private(set) var chains: [Chain]

  package init(_ chains: [Chain] = []) { self.chains = chains }

  package func named(_ slug: String) -> Chain? { chains.first { $0.slug == slug } }

  /// The chain whose files carry this id, when it is one chain only.
  package func owner(ofID id: String) -> Chain? {
    let owners = chains.filter { $0.allIDs.contains(id) && !$0.isClosed }
    return owners.count == 1 ? owners[0] : nil
  }

  /// These chains and those of `other`; where both know a name, `other` is right.
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

  /// The embedded catalogue with the file's chains over it.
  /// - Throws: a configuration `Failure` naming file and line.
  package static func load(file path: String?) throws(Failure) -> ChainCatalogue {
    guard let path else { return embedded }
    let text = String(decoding: try readFile(path, limit: 4 << 20), as: UTF8.self)
    return embedded.overridden(by: try ChainCatalogue(yaml: text, origin: path))
  }
}
