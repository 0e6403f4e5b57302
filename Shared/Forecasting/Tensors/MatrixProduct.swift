import CBLAS

/// Matrix products by OpenBLAS on the caller's thread alone: a worker scales by processes and partitions, and more
/// threads would only compete.
enum MatrixProduct {
  private static let isSingleThreaded: Bool = {
    openblas_set_num_threads(1)
    return true
  }()

  /// `result = left * right`, row-major: `left` is `rows` x `inner`, its rows `leftStride` apart; `right` is `inner` x
  /// `columns`; `result` is `rows` x `columns`.
  static func multiply(
    _ left: UnsafePointer<Float>, leftStride: Int, _ right: UnsafePointer<Float>, into
    result: UnsafeMutablePointer<Float>, rows: Int, inner: Int, columns: Int
  ) {
    guard isSingleThreaded, rows > 0, columns > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1, left,
      blasint(leftStride), right, blasint(columns), 0, result, blasint(columns))
  }
}

/// Numbers at a fixed address, for C; initially zero.
final class FloatBuffer {
  let start: UnsafeMutablePointer<Float>
  let count: Int

  init(_ count: Int) {
    self.count = count
    start = .allocate(capacity: max(1, count))
    start.initialize(repeating: 0, count: max(1, count))
  }

  deinit { start.deallocate() }
}
