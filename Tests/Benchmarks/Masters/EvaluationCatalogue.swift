/// Products, some of them known: a maker's range is every flavour in every variant and size; most are in the catalogue,
/// so that a new product differs from a known one in one respect only.
struct EvaluationCatalogue {
  struct Product {
    var kind: Int
    var flavour: Int
    var modifier: Int
    var brand: String
    var amount: Int

    var isHebrew: Bool { EvaluationWords.kinds[kind].isHebrew }
  }

  private(set) var known: [Product] = []
  private(set) var new: [Product] = []

  init(count: Int, seed: UInt64) {
    var random = EvaluationRandom(seed: seed)
    var all: [Product] = []
    let wanted = count * 10 / 9
    var round = 0
    // Every round gives each maker two more kinds.
    while all.count < wanted {
      for (brand, isHebrew) in EvaluationWords.hebrewBrands.map({ ($0, true) })
        + EvaluationWords.englishBrands.map({ ($0, false) })
      {
        for _ in 0..<2 {
          // A few makers sell under a foreign name.
          let wantsHebrew = isHebrew || random.chance(15)
          let candidates = EvaluationWords.kinds.indices.filter { EvaluationWords.kinds[$0].isHebrew == wantsHebrew }
          Self.append(random.pick(candidates), brand, round, &random, to: &all)
        }
      }
      round += 1
      if round > 60 { break }
    }
    var seen: Set<String> = []
    all = all.filter { seen.insert("\($0.kind)/\($0.flavour)/\($0.modifier)/\($0.brand)/\($0.amount)").inserted }
    all.shuffle(using: &random)
    known = Array(all.prefix(count))
    new = Array(all.dropFirst(known.count))
  }

  private static func append(
    _ kind: Int, _ brand: String, _ round: Int, _ random: inout EvaluationRandom, to all: inout [Product]
  ) {
    let description = EvaluationWords.kinds[kind]
    let modifiers = description.isHebrew ? EvaluationWords.hebrewModifiers : EvaluationWords.englishModifiers
    let sizes = description.amounts.shuffled(using: &random).prefix(4)
    var used: Set<Int> = []
    for _ in 0..<4 {
      // The first two modifiers are none.
      used.insert(max(1, Int.random(in: 0..<modifiers.count, using: &random)))
    }
    for flavour in description.flavours.indices {
      for modifier in used.sorted() {
        for amount in sizes {
          all.append(Product(kind: kind, flavour: flavour, modifier: modifier, brand: brand, amount: amount))
        }
      }
    }
  }
}
