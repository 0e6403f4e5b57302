import CBLAS

/// Products of matrices by OpenBLAS, on the caller's thread alone: a worker scales by processes and partitions, and
/// threads below it would only fight.
enum MatrixProduct {
  private static let isSingleThreaded: Bool = {
    openblas_set_num_threads(1)
    return true
  }()

  /// `result = left * right`, all row by row: `left` is `rows` x `inner`, its rows `leftStride` apart; `right` is
  /// `inner` x `columns`; `result` is `rows` x `columns`.
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
