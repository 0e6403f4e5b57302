import Runtime
import Schemas

/// The one table of targets. The order is that of the merges within a transaction: `products`, which writers of
/// different partitions share, comes last and is locked shortest.
package enum WriteTargets {
  package static let all: [any WriteTarget] = [
    StoreTarget(), FileTarget(), MasterTarget(), ObservationTarget(), PredictionTarget(), PromotionTarget(),
    PriceTarget(),
  ]

  /// - Parameter names: separated by commas; names of targets or of topics of theirs.
  /// - Throws: `configuration` for a name that there is none of.
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
