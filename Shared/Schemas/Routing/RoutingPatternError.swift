/// Why a text is no routing pattern: which word, and what is wrong with it.
package struct RoutingPatternError: Error, Hashable, CustomStringConvertible {
  /// Counted from 1; nil when it is the text as a whole.
  package let word: Int?
  package let message: String

  package var description: String { word.map { "word \($0): \(message)" } ?? message }
}
