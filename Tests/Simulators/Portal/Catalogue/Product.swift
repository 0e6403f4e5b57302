import Core

/// One product of the shared range, or one of a chain's own goods.
package struct Product: Hashable, Sendable {
  /// The number in the range, 0-based; a product with the same index is the same product in every chain.
  package var index: Int
  /// In full, as the maker might write it.
  package var name: String
  package var manufacturer: String
  package var country: String
  /// True for goods sold under a chain's own short code.
  package var ownCode: Bool
  package var weighted: Bool
  var measure: Lexicon.Measure
  /// Grams, millilitres or pieces.
  package var amount: Int
  /// Before the factors of chain and store.
  var price: Int
  private var articleNumber: String
  /// What it is; empty for a chain's own goods.
  private var kind = ""
  private var flavour = ""

  init(index: Int, dice: Dice) {
    self.index = index
    if index % 12 == 0 {
      let kind = Lexicon.own[(index / 12) % Lexicon.own.count]
      let copy = index / 12 / Lexicon.own.count
      ownCode = true
      weighted = !kind.name.contains("ארוז") && !kind.name.contains("חלה") && !kind.name.contains("פיתות")
      name = copy == 0 ? kind.name : "\(kind.name) סוג \(copy + 1)"
      manufacturer = "לא ידוע"
      country = "IL"
      measure = weighted ? .grams : .pieces
      amount = weighted ? 1_000 : 1
      price = max(100, kind.price + (copy % 7 - 3) * 60)
      articleNumber = ""
      return
    }
    let kind = Lexicon.kinds[index % Lexicon.kinds.count]
    let flavour = kind.flavours[dice.pick(kind.flavours.count, .flavour, index)]
    let amount = kind.amounts[dice.pick(kind.amounts.count, .size, index)]
    let brands = kind.isCare ? Lexicon.careBrands : Lexicon.foodBrands
    let brand = brands[dice.pick(brands.count, .brand, index)]
    ownCode = false
    weighted = false
    measure = kind.measure
    self.amount = amount
    manufacturer = brand.name
    country = brand.country
    let brandText = brand.name == "לא ידוע" ? "" : " \(brand.name)"
    (self.kind, self.flavour) = (kind.name, flavour)
    name = "\(kind.name) \(flavour)\(brandText) \(Self.amountText(amount, kind.measure))"
    let middle = kind.amounts[kind.amounts.count / 2]
    let scaled = kind.price * (amount + middle) / (2 * middle)
    price = max(150, scaled * (80 + dice.pick(41, .maker, index)) / 100)
    articleNumber = Self.articleNumber(index: index, brand: brand)
  }

  /// What ItemCode says: the article number, which all chains share, or the chain's own short number, which
  /// means something else in every chain. One product in 29 has a number of its own in one of the chains, where only
  /// its name says what it is.
  package func code(in chain: ChainProfile) -> String {
    if ownCode { return String(101 + index / 12 + chain.ordinal * 3) }
    return index % 29 == 7 && chain.ordinal % 5 == 1 + index / 29 % 2 * 2 ? String(50_000 + index) : articleNumber
  }

  /// As the chain writes it: makers and sizes in other places, abbreviated, left out or cut. A chain's own goods are
  /// called alike everywhere.
  func name(in chain: ChainProfile) -> String {
    if ownCode { return name }
    let maker = manufacturer == "לא ידוע" ? "" : manufacturer
    let size = Self.amountText(amount, measure)
    let short = size.replacing(" גרם", with: "ג'").replacing("ליטר", with: "ל'").replacing("יח'", with: "יחידות")
    let parts = switch chain.writing {
    case .full: [name]
    case .makerFirst: [maker, kind, flavour, short]
    case .cut: [kind, flavour, size, maker]
    case .sizeFirst: [size, kind, flavour, maker]
    case .makerInside: [kind, maker, flavour, short]
    }
    let text = parts.filter { !$0.isEmpty }.joined(separator: " ")
    return chain.writing == .cut ? String(text.prefix(20)) : text
  }

  private static func articleNumber(index: Int, brand: Lexicon.Brand) -> String {
    switch index % 97 {
    case 5: withCheckDigit("729" + zeroPadded(index / 97 % 10_000, 4))          // 8 digits
    case 31: withCheckDigit("071" + zeroPadded(index % 100_000_000, 8))         // 12 digits
    default: withCheckDigit(brand.prefix + zeroPadded(index % 100_000, 5))      // 13 digits
    }
  }

  /// GS1 General Specifications, 7.9: weights 3 and 1 from the right.
  static func withCheckDigit(_ digits: String) -> String {
    var sum = 0
    for (position, digit) in digits.utf8.reversed().enumerated() {
      sum += Int(digit - 48) * (position % 2 == 0 ? 3 : 1)
    }
    return digits + String((10 - sum % 10) % 10)
  }

  static func amountText(_ amount: Int, _ measure: Lexicon.Measure) -> String {
    switch measure {
    case .grams: amount % 1_000 == 0 ? "\(amount / 1_000) ק\"ג" : "\(amount) גרם"
    case .millilitres: amount % 1_000 == 0 ? "\(amount / 1_000) ליטר" : "\(amount) מ\"ל"
    case .pieces: "\(amount) יח'"
    }
  }
}
