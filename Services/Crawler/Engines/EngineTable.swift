import Runtime

/// One way to speak to portals: its name in the catalogue and how an engine is made from a row.
package struct EngineKind: Sendable {
  package let name: String
  /// In one line, for `crawler sources`.
  package let summary: String
  /// - Throws: a configuration `Failure` for a row the engine cannot work with.
  package let make: @Sendable (EngineContext) throws -> any PortalEngine

  package init(
    _ name: String, _ summary: String, make: @escaping @Sendable (EngineContext) throws -> any PortalEngine
  ) {
    self.name = name
    self.summary = summary
    self.make = make
  }
}

/// Every engine there is. A new engine is a type and a line here.
package enum EngineTable {
  package static let all: [EngineKind] = [
    EngineKind("bina", "Bina Projects: JSON listings cut at 1,000 rows") { try BinaEngine($0) },
    EngineKind("dir", "a local folder with everything below it") { try FolderEngine($0) },
  ]

  /// - Throws: a configuration `Failure` for an engine that is not there.
  package static func kind(_ name: String) throws(Failure) -> EngineKind {
    if let kind = all.first(where: { $0.name == name }) { return kind }
    throw Failure(
      .configuration, code: "unknown_engine",
      "there is no engine '\(name)'; there are \(all.map(\.name).joined(separator: ", "))")
  }
}
