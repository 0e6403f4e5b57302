/// What a series counts.
package enum SeriesKind: String, CaseIterable, Hashable, Sendable {
  /// Money for one unit of the material.
  case price
  /// Units of the material that are wanted in one period; often zero.
  case demand
}
