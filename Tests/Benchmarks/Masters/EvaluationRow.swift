import Values

/// A product as some chain's file writes it.
struct EvaluationRow {
  var name: String
  var manufacturer: String
  var quantity: ExactDecimal?
  var unit: String

  /// As the maker would write it.
  init(clean product: EvaluationCatalogue.Product, _ random: inout EvaluationRandom) {
    var parts = Self.words(product)
    if random.chance(75) { parts.append(product.brand) }
    parts.append(Self.size(product, style: 0))
    name = parts.joined(separator: " ")
    manufacturer = product.brand
    quantity = nil
    unit = ""
    setColumns(product)
  }

  /// As another chain writes it: one to three changes, and still recognisable.
  init(perturbed product: EvaluationCatalogue.Product, _ random: inout EvaluationRandom) {
    name = ""
    quantity = nil
    unit = ""
    var words = Self.words(product).flatMap { $0.split(separator: " ").map(String.init) }
    manufacturer = product.brand
    var brand = product.brand.split(separator: " ").map(String.init)
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<3: brand = []
    case 3..<5: manufacturer = random.pick(["לא ידוע", "", "Unknown"])
    case 5: manufacturer += product.isHebrew ? " בע\"מ" : " Ltd"
    default: break
    }
    var size = Self.size(product, style: Int.random(in: 0..<6, using: &random))
    setColumns(product)
    if random.chance(15), EvaluationWords.kinds[product.kind].measure != .pieces { size = "" }
    if !size.isEmpty, random.chance(25) {
      quantity = ExactDecimal(1)
      unit = "יחידה"
    }
    for _ in 0..<Int.random(in: 1...2, using: &random) {
      Self.disturb(&words, &random)
    }
    if !brand.isEmpty, random.chance(50) { words.insert(contentsOf: brand, at: 0) } else { words += brand }
    if !size.isEmpty {
      if random.chance(80) { words.append(size) } else { words.insert(size, at: min(1, words.count)) }
    }
    name = Self.dress(words.joined(separator: " "), &random)
  }

  private mutating func setColumns(_ product: EvaluationCatalogue.Product) {
    quantity = ExactDecimal(Int32(product.amount))
    switch EvaluationWords.kinds[product.kind].measure {
    case .grams: unit = "גרם"
    case .millilitres: unit = "מ\"ל"
    case .pieces: unit = "יחידות"
    }
  }

  private static func words(_ product: EvaluationCatalogue.Product) -> [String] {
    let kind = EvaluationWords.kinds[product.kind]
    let modifiers = kind.isHebrew ? EvaluationWords.hebrewModifiers : EvaluationWords.englishModifiers
    let modifier = modifiers[product.modifier]
    return [kind.name, kind.flavours[product.flavour]] + (modifier.isEmpty ? [] : [modifier])
  }

  private static func size(_ product: EvaluationCatalogue.Product, style: Int) -> String {
    let amount = product.amount
    let thousands = amount % 1_000 == 0 ? "\(amount / 1_000)" : "\(Double(amount) / 1_000)"
    switch EvaluationWords.kinds[product.kind].measure {
    case .grams:
      return switch style {
      case 0: amount >= 1_000 ? "\(thousands) ק\"ג" : "\(amount) גרם"
      case 1: "\(amount)גר'"
      case 2: "\(amount) g"
      case 3: "\(thousands) קג"
      case 4: "\(amount)G"
      default: "\(amount) גר"
      }
    case .millilitres:
      return switch style {
      case 0: amount >= 1_000 ? "\(thousands) ליטר" : "\(amount) מ\"ל"
      case 1: "\(amount) מל"
      case 2: "\(thousands)L"
      case 3: "\(thousands) ל'"
      case 4: "\(amount)ml"
      default: amount % 250 == 0 && amount > 250 ? "\(amount / 250)*250 מ\"ל" : "\(amount) ML"
      }
    case .pieces:
      return switch style {
      case 0, 1: "\(amount) יח'"
      case 2: "\(amount) יחידות"
      case 3: "\(amount)pcs"
      default: "\(amount) יח"
      }
    }
  }

  // MARK: - Disturbances

  private static func disturb(_ words: inout [String], _ random: inout EvaluationRandom) {
    let long = words.indices.filter { words[$0].count >= 5 && !words[$0].contains("%") }
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<40:
      guard !long.isEmpty else { return words.shuffle(using: &random) }
      let index = random.pick(long)
      words[index] = typo(words[index], &random)
    case 40..<55:
      guard !long.isEmpty else { return words.shuffle(using: &random) }
      let index = random.pick(long)
      words[index] = String(words[index].prefix(Int.random(in: 3...4, using: &random))) + random.pick(["'", ".", "׳"])
    case 55..<85: words.shuffle(using: &random)
    case 85..<93:
      // Two words written as one.
      guard words.count >= 2 else { return }
      let index = Int.random(in: 0..<words.count - 1, using: &random)
      guard !words[index].contains("%"), !words[index + 1].contains("%") else { return }
      words[index] += words.remove(at: index + 1)
    case 93..<97: words.insert(random.pick(["חדש", "new", "מבצע", "בלעדי", "fresh"]), at: words.count)
    default:
      // Full spelling.
      if let index = words.firstIndex(where: { $0.dropFirst().dropLast().contains("ו") }) {
        let letters = Array(words[index])
        if let place = letters.dropFirst().firstIndex(of: "ו") {
          words[index] = String(letters[...place]) + "ו" + String(letters[(place + 1)...])
        }
      }
    }
  }

  private static func typo(_ word: String, _ random: inout EvaluationRandom) -> String {
    var letters = Array(word)
    let place = Int.random(in: 1..<letters.count - 1, using: &random)
    let isHebrew = word.unicodeScalars.contains { $0.value >= 0x5D0 }
    let other: Character = isHebrew ? random.pick(Array("אבגדהוזחטיכלמנסעפצקרשת")) : random.pick(Array("abcdefghijklmnopqrstuvwxyz"))
    switch Int.random(in: 0..<4, using: &random) {
    case 0: letters[place] = other
    case 1: letters.remove(at: place)
    case 2: letters.insert(other, at: place)
    default: letters.swapAt(place, place + 1)
    }
    return String(letters)
  }

  /// Changes no letter: case, punctuation, spaces, vowel points.
  private static func dress(_ text: String, _ random: inout EvaluationRandom) -> String {
    var text = text
    if random.chance(20) { text = text.uppercased() }
    if random.chance(10) { text = text.replacing(" ", with: "  ") + " " }
    if random.chance(10) { text = text.replacing(" ", with: " - ", maxReplacements: 1) }
    if random.chance(5) { text = "\u{200F}" + text }
    if random.chance(5) { text = text.replacing("ש", with: "ש\u{5C1}") }
    return text
  }
}
