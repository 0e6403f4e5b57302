import CBLAS

/// Matrix products by OpenBLAS on the caller's thread alone: a worker scales by processes and partitions, and more
/// threads would only compete.
package enum MatrixProduct {
  private static let isSingleThreaded: Bool = {
    openblas_set_num_threads(1)
    return true
  }()

  /// What OpenBLAS computes with: `Haswell`, `SkylakeX`.
  package static var kernel: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

  /// `result = left * right`, row-major: `left` is `rows` x `inner`, its rows `leftStride` apart; `right` is `inner` x
  /// `columns`; `result` is `rows` x `columns`.
  package static func multiply(
    _ left: UnsafePointer<Float>, leftStride: Int, _ right: UnsafePointer<Float>, into
    result: UnsafeMutablePointer<Float>, rows: Int, inner: Int, columns: Int
  ) {
    guard isSingleThreaded, rows > 0, columns > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1, left,
      blasint(leftStride), right, blasint(columns), 0, result, blasint(columns))
  }

  /// A matrix whose rows lie `stride` numbers apart.
  package struct Rows {
    package var start: UnsafeMutablePointer<Float>
    package var stride: Int

    package init(_ start: UnsafeMutablePointer<Float>, stride: Int) {
      self.start = start
      self.stride = stride
    }
  }

  /// `result = left * right`, or with `transposed` `left * right` with the rows of `right` as columns.
  /// - Parameter adding: adds to what `result` holds.
  package static func multiply(
    _ left: Rows, _ right: Rows, transposed: Bool, into result: Rows, adding: Bool, rows: Int, inner: Int, columns: Int
  ) {
    guard isSingleThreaded, rows > 0, columns > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns),
      blasint(inner), 1, left.start, blasint(left.stride), right.start, blasint(right.stride), adding ? 1 : 0,
      result.start, blasint(result.stride))
  }

  /// The inner product of two vectors.
  package static func dot(_ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ count: Int) -> Float {
    cblas_sdot(blasint(count), left, 1, right, 1)
  }

  static func sumOfPositive(_ numbers: UnsafePointer<Float>, _ count: Int) -> Float {
    cblas_sasum(blasint(count), numbers, 1)
  }
}

/// Numbers at a fixed address, for C; initially zero. What several threads read, none of them writes.
package final class FloatBuffer: @unchecked Sendable {
  package let start: UnsafeMutablePointer<Float>
  package let count: Int

  package init(_ count: Int) {
    self.count = count
    start = .allocate(capacity: max(1, count))
    start.initialize(repeating: 0, count: max(1, count))
  }

  deinit { start.deallocate() }
}
