import Values

/// A product's name, brand and size as they are compared: folded, in words, the size a number. Reused from one
/// product to the next, so that nothing is allocated per product.
package final class ProductText {
  /// What is longer is cut: published names have up to about 100 letters.
  static let maxUnits = 320
  static let maxTokens = 32

  let units: UnsafeMutablePointer<UInt16>
  /// Room for a name that is published in visual order.
  private let reversed = UnsafeMutablePointer<UInt8>.allocate(capacity: ProductText.maxReversed)
  private static let maxReversed = 1_024
  let tokens: UnsafeMutablePointer<Token>
  private(set) var unitCount = 0
  var tokenCount = 0
  package internal(set) var size: ProductSize?
  /// Some token is of the brand.
  var hasBrand = false

  /// Looked up once: a global asks each time whether it was made.
  private let folding = Folding.table
  private let unitWords = UnitWords.shared
  private let filler = Filler.shared

  package init() {
    units = .allocate(capacity: Self.maxUnits)
    tokens = .allocate(capacity: Self.maxTokens)
    units.initialize(repeating: 0, count: Self.maxUnits)
    tokens.initialize(repeating: Token(hash: 0, start: 0, count: 0, traits: []), count: Self.maxTokens)
  }

  deinit {
    units.deallocate()
    reversed.deallocate()
    tokens.deallocate()
  }

  /// Whether the name has a word to go by.
  package var saysSomething: Bool {
    (0..<tokenCount).contains { !tokens[$0].isNumber && !tokens[$0].isUnnamed }
  }

  @inline(__always)
  func letters(_ token: Token) -> UnsafeBufferPointer<UInt16> {
    UnsafeBufferPointer(start: units + Int(token.start), count: Int(token.count))
  }

  /// Takes in another product.
  /// - Parameters:
  ///   - quantity: in `unit`, as published; used when the name says no weight or volume itself.
  ///   - measure: what the unit price is for, such as `100 גרם`.
  ///   - isWeighted: the quantity is what the price is for, not what the package holds.
  package func set(
    name: UnsafeBufferPointer<UInt8>, brand: UnsafeBufferPointer<UInt8>, quantity: ExactDecimal?,
    unit: UnsafeBufferPointer<UInt8>, measure: UnsafeBufferPointer<UInt8>, isWeighted: Bool
  ) {
    reset()
    scan(name, traits: [])
    dropFiller()
    takeSizes()
    if !isWeighted, size.map({ $0.dimension == .pieces }) ?? true, let quantity, !unit.isEmpty {
      takePublished(quantity, unit, measure)
    }
    takeBrand(brand)
    dropRepeated()
  }

  /// As above, from a master's record, whose size has been decided.
  package func set(name: String, brand: String?, size: ProductSize?) {
    reset()
    var (name, brand) = (name, brand ?? "")
    name.withUTF8 { scan($0, traits: []) }
    dropFiller()
    takeSizes()
    self.size = size
    brand.withUTF8 { takeBrand($0) }
    dropRepeated()
  }

  private func reset() {
    (unitCount, tokenCount) = (0, 0)
    size = nil
    hasBrand = false
  }

  // MARK: - Words

  private func scan(_ text: UnsafeBufferPointer<UInt8>, traits: Token.Traits) {
    guard text.count <= Self.maxReversed, VisualOrder.isReversed(text) else { return scanOrdered(text, traits) }
    VisualOrder.write(text, to: reversed)
    scanOrdered(UnsafeBufferPointer(start: reversed, count: text.count), traits)
  }

  private func scanOrdered(_ text: UnsafeBufferPointer<UInt8>, _ traits: Token.Traits) {
    var position = 0
    var start = unitCount
    var isNumber = false
    var last = Folding.separator
    func end(_ unit: UInt16) {
      guard unitCount > start else { return }
      if isNumber { trimNumber(start) }
      var traits = traits
      if isNumber { traits.insert(.number) }
      if !isNumber, unit == Folding.quote || unit == Folding.point { traits.insert(.abbreviated) }
      append(start, traits)
      start = unitCount
    }
    while position < text.count {
      let unit = fold(Self.scalar(text, &position))
      defer { if unit != Folding.nothing { last = unit } }
      switch unit {
      case Folding.nothing: continue
      case Folding.quote:
        // Inside a word nothing; whether this is inside shows in the next letter.
        continue
      case Folding.point, Folding.comma:
        if isNumber, unitCount > start, position < text.count, Folding.isDigit(fold(UInt32(text[position]))) {
          store(0x2E)
          continue
        }
        end(unit)
      case Folding.percent:
        if isNumber, unitCount > start { store(0x25) }
        end(unit)
      case Folding.separator:
        end(last == Folding.quote ? Folding.quote : unit)
      case Folding.times:
        end(unit)
        markTimes()
      default:
        let digit = Folding.isDigit(unit)
        // `6x330`: an x between two digits multiplies.
        if unit == 0x78, isNumber, unitCount > start, position < text.count,
          Folding.isDigit(fold(UInt32(text[position])))
        {
          end(unit)
          markTimes()
          isNumber = true
          continue
        }
        if unitCount > start, digit != isNumber { end(unit) }
        if unitCount == start { isNumber = digit }
        // Doubled vav and yod are a matter of taste.
        if !digit, unit == last, unit == 0x5D5 || unit == 0x5D9 { continue }
        store(unit)
      }
    }
    end(last == Folding.quote ? Folding.quote : Folding.separator)
  }

  /// The next scalar of UTF-8, which was checked before; anything else separates.
  @inline(__always)
  private static func scalar(_ text: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> UInt32 {
    let first = UInt32(text[position])
    position += 1
    if first < 0x80 { return first }
    let more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1
    guard first >= 0xC0, position + more <= text.count else { return 0 }
    var value = first & (0x3F >> UInt32(more))
    for _ in 0..<more {
      value = value << 6 | UInt32(text[position]) & 0x3F
      position += 1
    }
    return value
  }

  @inline(__always)
  private func fold(_ scalar: UInt32) -> UInt16 { scalar < 0x800 ? folding[Int(scalar)] : Folding.fold(scalar) }

  @inline(__always)
  private func store(_ unit: UInt16) {
    guard unitCount < Self.maxUnits else { return }
    units[unitCount] = unit
    unitCount += 1
  }

  private func append(_ start: Int, _ traits: Token.Traits) {
    let count = min(unitCount - start, Int(UInt8.max))
    guard count > 0 else { return }
    guard tokenCount < Self.maxTokens else { return unitCount = start }
    let letters = UnsafeBufferPointer(start: units + start, count: count)
    tokens[tokenCount] = Token(
      hash: Token.hash(letters), start: UInt16(start), count: UInt8(count), traits: traits,
      letters: Token.letters(letters))
    tokenCount += 1
  }

  /// `0500` and `1.50` are `500` and `1.5`.
  private func trimNumber(_ start: Int) {
    var end = unitCount
    let hasPercent = end > start && units[end - 1] == 0x25
    if hasPercent { end -= 1 }
    if (start..<end).contains(where: { units[$0] == 0x2E }) {
      while end > start, units[end - 1] == 0x30 { end -= 1 }
      if end > start, units[end - 1] == 0x2E { end -= 1 }
    }
    var begin = start
    while begin + 1 < end, units[begin] == 0x30, units[begin + 1] != 0x2E { begin += 1 }
    var target = start
    for index in begin..<max(begin, end) {
      units[target] = units[index]
      target += 1
    }
    if hasPercent {
      units[target] = 0x25
      target += 1
    }
    unitCount = target
  }

  // MARK: - Sizes

  private static let timesHash: UInt64 = 1

  /// A token without letters that says the numbers around it are multiplied.
  private func markTimes() {
    guard tokenCount > 0, tokenCount < Self.maxTokens else { return }
    tokens[tokenCount] = Token(hash: Self.timesHash, start: UInt16(unitCount), count: 0, traits: [])
    tokenCount += 1
  }

  /// Takes numbers with units out of the words: the last weight or volume is the size, else the last count.
  private func takeSizes() {
    var removed: UInt64 = 0
    var pieces: (size: ProductSize, tokens: UInt64)?
    for index in 0..<tokenCount where tokens[index].isNumber && index + 1 < tokenCount {
      guard let unit = unitWords.unit(tokens[index + 1].hash), let value = thousandths(tokens[index]) else {
        continue
      }
      var used: UInt64 = 3 << UInt64(index)
      var factor: Int64 = 1_000
      if let times = factorBefore(index) ?? factorAfter(index + 1) {
        factor = times.value
        used |= times.tokens
      }
      let millis = value.multipliedReportingOverflow(by: unit.millis)
      let total = (millis.partialValue / 1_000).multipliedReportingOverflow(by: factor)
      guard !millis.overflow, !total.overflow,
        let size = ProductSize(unit.dimension, millis: total.partialValue / 1_000) else { continue }
      if unit.dimension == .pieces {
        pieces = (size, used)
      } else {
        self.size = size
        removed |= used
      }
    }
    // A count beside a weight stays a number among the words.
    if size == nil, let pieces {
      size = pieces.size
      removed |= pieces.tokens
    }
    compact { removed >> UInt64($0) & 1 == 1 || tokens[$0].count == 0 }
  }

  private func isTimes(_ index: Int) -> Bool {
    tokens[index].hash == Self.timesHash && tokens[index].count == 0
  }

  /// `6*330 מ"ל`
  private func factorBefore(_ index: Int) -> (value: Int64, tokens: UInt64)? {
    guard index >= 2, isTimes(index - 1), tokens[index - 2].isNumber, let value = thousandths(tokens[index - 2]),
      value > 0 else { return nil }
    return (value, 3 << UInt64(index - 2))
  }

  /// `330 מ"ל * 6`
  private func factorAfter(_ index: Int) -> (value: Int64, tokens: UInt64)? {
    guard index + 2 < tokenCount, isTimes(index + 1), tokens[index + 2].isNumber,
      let value = thousandths(tokens[index + 2]), value > 0 else { return nil }
    return (value, 3 << UInt64(index + 1))
  }

  /// The number of a token; nil for percentages and what is too large for a size.
  private func thousandths(_ token: Token) -> Int64? {
    var value: Int64 = 0
    var decimals = -1
    for unit in letters(token) {
      if unit == 0x2E, decimals < 0 {
        decimals = 0
      } else if Folding.isDigit(unit) {
        if decimals == 3 { continue }
        value = value * 10 + Int64(unit - 0x30)
        if decimals >= 0 { decimals += 1 }
        guard value < 1_000_000_000_000 else { return nil }
      } else {
        return nil
      }
    }
    for _ in max(decimals, 0)..<3 { value *= 10 }
    return value
  }

  /// The columns of the row, where they say a weight or volume, or more than one piece.
  private func takePublished(
    _ quantity: ExactDecimal, _ unit: UnsafeBufferPointer<UInt8>, _ measure: UnsafeBufferPointer<UInt8>
  ) {
    let (units, tokens) = (unitCount, tokenCount)
    defer { (unitCount, tokenCount) = (units, tokens) }
    scan(unit, traits: [])
    // `100 גרם` says what the unit price is for; only a plain unit names the quantity's.
    guard tokenCount == tokens + 1, let found = unitWords.unit(self.tokens[tokens].hash),
      let value = quantity.thousandths else { return }
    var one = found
    if found.dimension == .pieces {
      // Some chains count in hundreds of grams or millilitres and call them pieces: the unit price says so.
      scan(measure, traits: [])
      let isMeasured = tokenCount >= tokens + 3 && self.tokens[tokenCount - 2].isNumber
      if isMeasured, let measured = unitWords.unit(self.tokens[tokenCount - 1].hash), measured.dimension != .pieces,
        let amount = thousandths(self.tokens[tokenCount - 2]), amount <= 1_000_000
      {
        one = UnitWords.Unit(dimension: measured.dimension, millis: amount * measured.millis / 1_000)
      }
    }
    let millis = value.multipliedReportingOverflow(by: one.millis)
    guard !millis.overflow else { return }
    if one.dimension == .pieces, size != nil || value <= 1_000 { return }
    size = ProductSize(one.dimension, millis: millis.partialValue / 1_000) ?? size
  }

  // MARK: - Brand

  private func takeBrand(_ brand: UnsafeBufferPointer<UInt8>) {
    let (units, first) = (unitCount, tokenCount)
    scan(brand, traits: [.brand])
    compact(from: first) { tokens[$0].count == 0 }
    if BrandNoise.saysNothing(tokens + first, tokenCount - first) {
      (unitCount, tokenCount) = (units, first)
      return
    }
    compact(from: first) { BrandNoise.shared.words.contains(tokens[$0].hash) }
    hasBrand = tokenCount > first
    for index in first..<tokenCount {
      var isNamed = false
      for named in 0..<first where tokens[named].hash == tokens[index].hash {
        tokens[named].traits.insert(.brand)
        isNamed = true
      }
      if !isNamed { tokens[index].traits.insert(.unnamed) }
    }
  }

  /// What a shop says of a product without saying which one it is.
  private func dropFiller() { compact { filler.contains(tokens[$0].hash) } }

  private func dropRepeated() {
    compact { index in
      (0..<index).contains { tokens[$0].hash == tokens[index].hash }
    }
  }

  @inline(__always)
  private func compact(from first: Int = 0, where isRemoved: (Int) -> Bool) {
    var kept = first
    for index in first..<tokenCount where !isRemoved(index) {
      if kept != index { tokens[kept] = tokens[index] }
      kept += 1
    }
    tokenCount = kept
  }
}
