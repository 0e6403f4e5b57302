import Values

/// What one end of the flow holds of the bars.
struct MarketSide: Hashable, Sendable {
  struct Series: Hashable, Sendable {
    /// Distinct bars.
    var bars = 0
    /// The opening of the last one, microseconds since 1970.
    var time = Int64.min
    var last = ExactDecimal.zero
  }

  var series: [String: Series] = [:]
  var bars: Int { series.values.reduce(0) { $0 + $1.bars } }
}
