/// How a pattern meets a key, word by word, for people.
package struct RoutingExplanation: Hashable, Sendable {
  /// One word of the pattern and what of the key it stands for.
  package struct Pair: Hashable, Sendable {
    package var pattern: RoutingPattern.Word
    package var key: [String]
  }

  /// The words that agree, up to the end or to where nothing fits any more.
  package let pairs: [Pair]
  /// Why it goes no further; nil for a match.
  package let mismatch: String?

  package var isMatch: Bool { mismatch == nil }

  package init(_ pattern: RoutingPattern, key: String) {
    let words = key.isEmpty ? [] : key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    var best = Way()
    var budget = 100_000
    let found = Self.walk(pattern.words[...], words[...], Way(), &best, &budget)
    let way = found ?? best
    pairs = way.pairs
    guard found == nil else {
      mismatch = nil
      return
    }
    let next = pattern.words.dropFirst(way.pairs.count).first
    let rest = words.dropFirst(way.taken)
    mismatch = switch (next, rest.first) {
    case (let next?, let word?): "word \(way.taken + 1) of the key, '\(word)', is not '\(next)'"
    case (let next?, nil): "the key ends where '\(next)' is wanted"
    case (nil, let word?): "the pattern ends before word \(way.taken + 1) of the key, '\(word)'"
    case (nil, nil): "the key has another number of words"
    }
  }

  private struct Way {
    var pairs: [Pair] = []
    /// Words of the key.
    var taken = 0
  }

  /// Tries `#` with few words first. `best` is the way that came furthest in the key.
  private static func walk(
    _ pattern: ArraySlice<RoutingPattern.Word>, _ key: ArraySlice<String>, _ way: Way, _ best: inout Way,
    _ budget: inout Int
  ) -> Way? {
    budget -= 1
    guard budget > 0 else { return nil }
    if (way.taken, way.pairs.count) > (best.taken, best.pairs.count) { best = way }
    guard let word = pattern.first else { return key.isEmpty ? way : nil }
    let counts: ClosedRange<Int> = word == .any ? 0...key.count : 1...1
    for count in counts where count <= key.count {
      let taken = Array(key.prefix(count))
      if case .exactly(let text) = word, taken != [text] { continue }
      var next = way
      next.pairs.append(Pair(pattern: word, key: taken))
      next.taken += count
      if let found = walk(pattern.dropFirst(), key.dropFirst(count), next, &best, &budget) { return found }
    }
    return nil
  }
}
