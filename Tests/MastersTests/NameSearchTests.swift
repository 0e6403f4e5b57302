import Testing
import TestSupport

@testable import Masters

/// The nearest names, against the formula computed for every name.
@Suite struct NameSearchTests {
  private static let words: [String] = (0..<900).map { number in
    var word = ""
    for place in 0..<4 {
      let letter = UInt32((number * 7 + place * (number / 27 + 5)) % 27)
      word.unicodeScalars.append(Unicode.Scalar(0x5D0 + letter) ?? "א")
    }
    return word
  }
  private static let facts = RowFacts(name: .init(start: nil, count: 0), price: 0, isWeighted: false)

  private static func name(_ random: inout TestRandom) -> Row {
    let chosen = (0..<4).map { _ in words[Int.random(in: 0..<words.count, using: &random)] }
    let size = [100, 200, 250][Int.random(in: 0..<3, using: &random)]
    return Row(name: chosen.joined(separator: " ") + " \(size) גרם")
  }

  private static func grams(_ text: ProductText) -> Set<UInt32> {
    let grams = Grams()
    grams.set(text)
    return Set((0..<grams.count).map { grams.hashes[$0] })
  }

  /// More names than one range of sums holds; some are removed, and others take their numbers.
  @Test func findsWhatTheFormulaSays() throws {
    var random = TestRandom("name search")
    let index = NameIndex()
    var names: [(row: Row, grams: Set<UInt32>, size: ProductSize?)] = []
    func add(_ place: Int) throws {
      let row = Self.name(&random)
      let text = row.text()
      let first = index.add(text, Self.facts, master: UInt32(place), key: text.nameKey(), first: .max)
      #expect(Int(first) == place)
      let entry = (row, Self.grams(text), text.size)
      if place < names.count { names[place] = entry } else { names.append(entry) }
    }
    for place in 0..<5_000 { try add(place) }
    let removed = (0..<200).map { $0 * 23 }
    for place in removed { #expect(index.remove(UInt32(place)) == .max) }
    // The number that became free last is taken first.
    for place in removed.reversed() { try add(place) }

    var frequency: [UInt32: Int] = [:]
    for name in names { for gram in name.grams { frequency[gram, default: 0] += 1 } }
    let search = NameSearch()
    for asked in stride(from: 0, to: 5_000, by: 397) {
      let text = names[asked].row.text()
      let grams = Self.grams(text)
      let weights = Dictionary(uniqueKeysWithValues: grams.map { gram in
        let rarity = Double(index.rarity(UInt32(frequency[gram] ?? 0)))
        return (gram, rarity * rarity)
      })
      let total = weights.values.reduce(0, +)
      let scores = names.map { name -> Double in
        let shared = grams.intersection(name.grams).reduce(0) { $0 + (weights[$1] ?? 0) }
        let sum = shared + (name.size == text.size ? total * 0.16 : 0)
        return sum / total * (Double(grams.count) / Double(name.grams.count)).squareRoot()
      }
      let found = search.search(text, in: index)
      for item in found { #expect(abs(Double(item.score) - scores[Int(item.name)]) < 1e-4) }
      #expect(found.contains { Int($0.name) == asked })
      let places = Set(found.map { Int($0.name) })
      #expect(places.count == found.count)
      let best = try #require(scores.max())
      let least = try #require(found.map { Double($0.score) }.min())
      // A level of scores is taken whole while it fits.
      for place in names.indices where scores[place] > max(least, best / 4) + best / 100 {
        #expect(places.contains(place))
      }
    }
  }
}
