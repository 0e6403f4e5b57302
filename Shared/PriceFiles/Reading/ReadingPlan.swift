/// What one pass over a file found out that the next pass must know from its start.
package struct ReadingPlan: Equatable, Sendable {
  /// nil: to be told by the bytes.
  package var encoding: TextEncoding?
  /// nil: not known yet.
  package var repeats: RepeatedCodes?

  package init(encoding: TextEncoding? = nil, repeats: RepeatedCodes? = nil) {
    self.encoding = encoding
    self.repeats = repeats
  }
}

/// Codes that come more than once in a file, where taking the first of each would be wrong.
package struct RepeatedCodes: Equatable, Sendable {
  /// Item codes and branches whose newest row is not the first, with the number of that row.
  var newest: [[UInt8]: Int] = [:]
  /// Promotions whose parts do not follow each other.
  var scattered: Set<[UInt8]> = []

  var isEmpty: Bool { newest.isEmpty && scattered.isEmpty }

  /// True when only the row of this number counts of its code; nil for a code that needs no plan.
  func isNewest(_ row: Int, of code: UnsafeBufferPointer<UInt8>) -> Bool? {
    newest.isEmpty ? nil : newest[Array(code)].map { $0 == row }
  }
}
