@testable import Routing
import Testing
import Values

@Suite struct RoutingPatternTests {
  private func matches(_ pattern: String, _ key: String) throws -> Bool {
    picks(try RoutingPattern(pattern), Array(key.utf8))
  }

  private func picks(_ pattern: RoutingPattern, _ key: [UInt8]) -> Bool { pattern.matches(key.span.bytes) }

  /// What AMQP 0-9-1 says of topic exchanges, and what RabbitMQ's tests hold of `#`.
  @Test(arguments: [
    ("*.*.polymer.*", "mena.egypt.polymer.pvc", true), ("*.*.polymer.*", "mena.egypt.energy.pvc", false),
    ("*.*.polymer.*", "mena.egypt.polymer", false), ("*.*.polymer.*", "mena.egypt.polymer.pvc.x", false),
    ("#", "", true), ("#", "a", true), ("#", "a.b.c.d.e", true), ("*", "", false), ("*", "a", true),
    ("*", "a.b", false), ("a", "a", true), ("a", "ab", false), ("ab", "a", false), ("a.#", "a", true),
    ("a.#", "a.b.c", true), ("a.#", "ab", false), ("#.a", "a", true), ("#.a", "b.c.a", true), ("#.a", "a.b", false),
    ("#.a.#", "x.a.y", true), ("#.a.#", "x.y", false), ("a.#.b", "a.b", true), ("a.#.b", "a.x.y.b", true),
    ("a.#.b", "a.b.x", false), ("#.#", "", true), ("#.*", "", false), ("#.*", "a", true), ("*.#", "a.b", true),
    ("#.*.#.*", "a", false), ("#.*.#.*", "a.b", true), ("#.b.#.b", "b", false), ("#.b.#.b", "a.b.b", true),
    ("a.*.b", "a..b", true), ("a.#", "a.", true), ("*.*", ".", true), ("a.b", "a.b.", false),
    ("#.a.b.#.a.c", "a.b.a.b.a.c", true), ("#.a.*.c.#", "a.a.b.c", true),
  ])
  func examples(_ pattern: String, _ key: String, _ expected: Bool) throws {
    #expect(try matches(pattern, key) == expected, "\(pattern) on \(key)")
  }

  /// The definition itself, with everything tried.
  private func naive(_ pattern: ArraySlice<String>, _ key: ArraySlice<String>) -> Bool {
    guard let word = pattern.first else { return key.isEmpty }
    if word == "#" { return (0...key.count).contains { naive(pattern.dropFirst(), key.dropFirst($0)) } }
    guard let first = key.first, word == "*" || word == first else { return false }
    return naive(pattern.dropFirst(), key.dropFirst())
  }

  @Test func agreesWithTheDefinition() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    var matched = 0
    for _ in 0..<40_000 {
      // Few letters and short words, so that a good part matches and words are prefixes of each other.
      let pattern = (0...random.below(6)).map { _ in random.pick(["*", "#", "#", "a", "b", "ab", "a-"]) }
      let key = (0..<random.below(8)).map { _ in random.pick(["a", "b", "ab", "a-", ""]) }
      let text = key.joined(separator: ".")
      // A lone empty word and no word look alike.
      let words = text.isEmpty ? [] : key
      let expected = naive(pattern[...], words[...])
      if expected { matched += 1 }
      let compiled = try RoutingPattern(pattern.joined(separator: "."))
      let found = picks(compiled, Array(text.utf8))
      #expect(found == expected, "\(compiled) on '\(text)', seed \(seed)")
      let explanation = RoutingExplanation(compiled, key: text)
      #expect(explanation.isMatch == expected, "\(compiled) on '\(text)', seed \(seed)")
      if expected {
        #expect(explanation.pairs.map(\.pattern) == compiled.words)
        #expect(explanation.pairs.flatMap(\.key) == words)
      }
    }
    #expect((4_000...36_000).contains(matched), "the cases are one-sided: \(matched)")
  }

  /// Bytes that occur in no key are compared literally and end no word.
  @Test func anyBytesMayBeAKey() throws {
    let pattern = try RoutingPattern("*.b")
    #expect(picks(pattern, [0xff, 0x00, 0x2e, 0x62]))
    #expect(!picks(pattern, [0x2e, 0x2e, 0x62]))
    let many = try RoutingPattern("#.a.#.b.#.c.#.d.#.e.#.f.#.g")
    // Would take for ever if all ways were tried.
    let key = Array([String](repeating: "a.b.c.d.e.f", count: 2_000).joined(separator: ".").utf8)
    #expect(!picks(many, key))
  }

  @Test(arguments: [
    ("", nil, "empty"), ("a..b", 2, "it is empty"), ("a.", 2, "it is empty"), (".", 1, "it is empty"),
    ("*.*.poly*.*", 3, "whole words"), ("mena.##", 2, "whole words"), ("mena.Egypt", 2, "did you mean 'egypt'?"),
    ("*.saudi arabia.#", 2, "did you mean 'saudi_arabia'?"), ("é", 1, "no word of a key"),
    (String(repeating: "x", count: 64), 1, "1 to 63"),
    ([String](repeating: "*", count: 33).joined(separator: "."), nil, "33 words"),
  ] as [(String, Int?, String)])
  func aMistakeIsReportedWithItsWord(_ text: String, _ word: Int?, _ expected: String) throws {
    let error = #expect(throws: RoutingPatternError.self) { try RoutingPattern(text) }
    #expect(error?.word == word)
    #expect(try #require(error).description.contains(expected), "\(String(describing: error))")
  }

  @Test(arguments: [
    ("#", CommodityCategory.allCases), ("*.*.*.*", CommodityCategory.allCases), ("*.*.polymer.*", [.polymer]),
    ("mena.#", CommodityCategory.allCases), ("*.*.polymer.#", [.polymer]), ("#.polymer", CommodityCategory.allCases),
    ("*.*.energy.brent", [.energy]), ("#.screening.*", [.screening]), ("*.*.*", []), ("*.*.plastic.*", []),
    ("mena.*.polymer.energy", [.polymer]), ("*.*.#.energy.*", [.energy]), ("*.*.*.*.#.*", []),
    ("polymer.#", CommodityCategory.allCases),
  ] as [(String, [CommodityCategory])])
  func theCategoryNarrowsTheSubscription(_ text: String, _ expected: [CommodityCategory]) throws {
    let pattern = try RoutingPattern(text)
    #expect(pattern.topics.map(\.name) == expected.map { "sentinel_market_data.\($0.rawValue)" })
  }

  /// A key that a pattern matches belongs to a topic of the pattern.
  @Test func everyMatchingKeyIsInASubscribedTopic() throws {
    var random = Seeded(freshSeed())
    let words = ["*", "#", "mena", "egypt", "polymer", "energy", "pvc"]
    for _ in 0..<5_000 {
      let pattern = try RoutingPattern((0...random.below(5)).map { _ in random.pick(words) }.joined(separator: "."))
      let category = random.pick(CommodityCategory.allCases)
      let place = random.pick(["mena.egypt", "polymer.energy", "egypt.mena"])
      let text = "\(place).\(category.rawValue).\(random.pick(["pvc", "polymer", "energy"]))"
      let key = try #require(RoutingKey(text))
      if pattern.matches(key) { #expect(pattern.categories.contains(category), "\(pattern) on \(key)") }
    }
  }

  @Test func aMismatchIsExplainedWhereItIs() throws {
    func why(_ pattern: String, _ key: String) throws -> String? {
      RoutingExplanation(try RoutingPattern(pattern), key: key).mismatch
    }
    #expect(try why("*.*.polymer.*", "mena.egypt.energy.brent") == "word 3 of the key, 'energy', is not 'polymer'")
    #expect(try why("*.*.polymer.*", "mena.egypt.polymer") == "the key ends where '*' is wanted")
    #expect(try why("mena.*", "mena.egypt.polymer") == "the pattern ends before word 3 of the key, 'polymer'")
    let explanation = RoutingExplanation(try RoutingPattern("mena.#.pvc"), key: "mena.egypt.polymer.pvc")
    #expect(explanation.pairs == [
      .init(pattern: .exactly("mena"), key: ["mena"]), .init(pattern: .any, key: ["egypt", "polymer"]),
      .init(pattern: .exactly("pvc"), key: ["pvc"]),
    ])
  }
}
