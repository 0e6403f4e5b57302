import Core
import Postgres

/// Finds what the database refuses of things that fail together: attempts all, and where an attempt fails its halves,
/// in order. With n things and one refused it takes about 2 log2(n) attempts.
///
/// - Parameters:
///   - attempt: throws when something in the range is refused.
///   - isOver: called with each one that is refused alone; true ends the search.
func bisect(
  _ count: Int, attempt: (Range<Int>) async throws -> Void,
  isOver: (_ refused: Int, PostgresError) async throws -> Bool
) async throws {
  var open = [0..<count]
  while let range = open.popLast(), !range.isEmpty {
    do {
      try await attempt(range)
    } catch let error as PostgresError where error.errorClass == .data {
      if range.count == 1 {
        if try await isOver(range.lowerBound, error) { return }
      } else {
        let middle = range.lowerBound + range.count / 2
        open += [middle..<range.upperBound, range.lowerBound..<middle]
      }
    }
  }
}
