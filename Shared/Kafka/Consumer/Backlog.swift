/// How old the oldest record of one partition is that is not committed yet.
///
/// Only records that were taken from the library show their timestamps, so the age of one that still waits at the
/// broker is put together: how old the last one was when it came, and how long nothing has been committed since.
/// Never younger than the truth by more than that wait; older by at most what one batch spans. A pure value: times
/// are milliseconds since 1970.
struct Backlog: Equatable {
  /// The first record of each batch that is not committed whole, in the order of offsets.
  private var marks: [Mark] = []
  /// The age of the last batch's first record when it was taken; 0 from an end that was reached.
  private var ageTaken: Int64 = 0
  /// Since when nothing has moved; nil while there is nothing to do.
  private var since: Int64?
  private var committed: Int64 = -1

  struct Mark: Equatable {
    var offset: Int64
    var timestamp: Int64
  }

  /// More marks than this are thinned out to half as many.
  static let limit = 64

  /// A batch was taken whose first record of this partition this is.
  ///
  /// - Parameter timestamp: negative when the record has none.
  mutating func took(_ offset: Int64, timestamp: Int64, now: Int64) {
    guard timestamp >= 0 else { return }
    // Taken again after a seek: what was noted from there on is void.
    while let last = marks.last, last.offset >= offset { marks.removeLast() }
    marks.append(Mark(offset: offset, timestamp: timestamp))
    ageTaken = max(0, now - timestamp)
    guard marks.count > Self.limit else { return }
    // Every other one, the first among them: ages err on the old side.
    marks = marks.indices.filter { $0.isMultiple(of: 2) }.map { marks[$0] }
  }

  /// - Parameters:
  ///   - committed: the next offset to commit from; `taken`: the offset after the last record taken from the library;
  ///     `end`: the offset the next record of the partition will have.
  /// - Returns: milliseconds; 0 when everything is committed.
  mutating func age(committed: Int64, taken: Int64, end: Int64, now: Int64) -> Int64 {
    guard end > committed else {
      self = Backlog()
      return 0
    }
    if since == nil || self.committed != committed { since = now }
    self.committed = committed
    while marks.count > 1, marks[1].offset <= committed { marks.removeFirst() }
    if committed < taken, let oldest = marks.first { return max(0, now - oldest.timestamp) }
    return ageTaken + max(0, now - (since ?? now))
  }
}
