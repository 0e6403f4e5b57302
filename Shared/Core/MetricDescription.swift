/// What one metric means: its help text on `/metrics`, its buckets, its row in the reference.
package struct MetricDescription: Hashable, Sendable {
  package enum Kind: String, Sendable { case counter, gauge, histogram }

  /// As exported: `souk_<noun>_<unit>_total`, `_seconds`, `_bytes`.
  package var name: String
  package var kind: Kind
  package var help: String
  package var labels: [String]
  /// Upper bounds of a histogram in the metric's unit, ascending, without infinity; nil = the default of the unit.
  package var buckets: [Double]?

  package init(_ name: String, _ kind: Kind, _ help: String, labels: [String] = [], buckets: [Double]? = nil) {
    self.name = name
    self.kind = kind
    self.help = help
    self.labels = labels
    self.buckets = buckets
  }
}
