import Tensors

/// How many sequences a network computes at once.
///
/// OpenBLAS may round a row differently depending on its position in a block and on the block's size; which blocks do
/// depends on the kernel for the processor (the one for Haswell rounds a row alike in blocks of up to 8 rows only). The
/// sizes are therefore tested once per process: a forecast must not depend on its neighbours in a batch.
enum RowBlocks {
  static let small = sizes.small
  static let large = sizes.large

  private static let sizes: (small: Int, large: Int) = {
    // One row always gives the same result.
    let small = [16, 8, 4].first { product(rows: $0) != nil } ?? 1
    let expected = product(rows: small)
    return (small, [128, 64, 32].first { product(rows: $0) == expected } ?? small)
  }()

  /// The result of one row at every position of a block, for products of several shapes; nil when the position matters.
  private static func product(rows: Int) -> [Float]? {
    var results: [Float] = []
    for (inner, columns) in [(8, 32), (24, 3), (40, 160), (64, 256)] {
      let row = (0..<inner).map { Float(($0 * 7_919 + 13) % 1_009) / 1_009 - 0.5 }
      let left = (0..<rows).flatMap { _ in row }
      let right = (0..<(inner * columns)).map { Float(($0 * 104_729 + 7) % 2_003) / 2_003 - 0.5 }
      var result = [Float](repeating: 0, count: rows * columns)
      MatrixProduct.multiply(left, leftStride: inner, right, into: &result, rows: rows, inner: inner, columns: columns)
      let first = result[..<columns]
      for other in stride(from: 1, to: rows, by: 1) {
        guard result[(other * columns)..<((other + 1) * columns)].elementsEqual(first) else { return nil }
      }
      results += first
    }
    return results
  }

  /// Ranges of `count` inputs, each with its number of rows.
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
