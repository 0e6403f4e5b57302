/// Compares how often each effect is there with how often it must be.
struct Ledger {
  private let what: String
  private var counts: [String: (expected: Int, found: Int)] = [:]

  init(_ what: String, expected: some Sequence<String>) {
    self.what = what
    for effect in expected { counts[effect, default: (0, 0)].expected += 1 }
  }

  mutating func find(_ effect: String) { counts[effect, default: (0, 0)].found += 1 }

  var problems: [String] {
    let wrong = counts.filter { $0.value.expected != $0.value.found }.sorted { $0.key < $1.key }
    return wrong.prefix(6).map { effect, count in
      let name = count.expected == 0 ? "not expected" : count.found < count.expected ? "lost" : "repeated"
      return "\(what): \(effect) is \(name) (there \(count.found) times, expected \(count.expected))"
    } + (wrong.count > 6 ? ["\(what): \(wrong.count) such effects"] : [])
  }
}
