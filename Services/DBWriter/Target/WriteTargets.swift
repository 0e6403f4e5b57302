import Catalogue
import Core

/// All targets, in the order of their merges within a transaction: `products`, which writers of different partitions
/// share, comes last and so is locked for the shortest time.
package enum WriteTargets {
  package static let all: [any WriteTarget] = [
    StoreTarget(), FileTarget(), MasterTarget(), DecisionTarget(), ObservationTarget(), PredictionTarget(),
    PromotionTarget(), PriceTarget(),
  ]

  /// - Parameter names: separated by commas; names of targets or of their topics.
  /// - Throws: `configuration` for an unknown name.
  package static func named(_ names: String) throws(Failure) -> [any WriteTarget] {
    let wanted = names.split(separator: ",").map { $0.trimmed }
    for name in wanted where !all.contains(where: { $0.isCalled(name) }) {
      throw Failure(
        .configuration, code: "unknown_table",
        "--tables: there is no \(name); choose from \(all.map(\.name).joined(separator: ", "))")
    }
    let chosen = all.filter { wanted.contains(where: $0.isCalled) }
    guard !chosen.isEmpty else {
      throw Failure(.configuration, code: "no_tables", "--tables names nothing to write")
    }
    return chosen
  }
}

extension WriteTarget {
  fileprivate func isCalled(_ name: String) -> Bool { self.name == name || topics.contains { $0.name == name } }
}

extension Substring {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
