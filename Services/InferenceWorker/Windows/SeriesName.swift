import Schemas

/// A series of one kind: what a window is of.
package struct SeriesName: Hashable, Sendable {
  package var series: RoutingKey
  package var kind: SeriesKind

  package init(_ series: RoutingKey, _ kind: SeriesKind) {
    self.series = series
    self.kind = kind
  }
}
