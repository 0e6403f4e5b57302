/// How many sequences a network takes through its products at once.
///
/// The rounding of a product may depend on how many rows it has, so the sizes are few, and each has been seen to round
/// a row alike: a forecast does not depend on its neighbours in a batch (ForecastingTests holds this machine to it).
enum RowBlocks {
  static let small = 16
  static let large = 128

  /// Ranges of `count` things, each with the rows to make room for.
  static func ranges(_ count: Int) -> [(range: Range<Int>, rows: Int)] {
    var blocks: [(Range<Int>, Int)] = []
    var start = 0
    while start < count {
      let rows = count - start > large / 2 ? large : small
      let end = min(count, start + rows)
      blocks.append((start..<end, rows))
      start = end
    }
    return blocks
  }
}
