import Values

/// Promotions whose parts are scattered over the file, held until its end and merged: items and clubs are joined; of
/// the other fields the part updated last counts, or the first of two equal ones.
struct MergedPromotions: ~Copyable {
  struct Promotion {
    let id: [UInt8]
    /// The row of its first part.
    let row: Int
    var updatedAt: Int64
    /// The texts of all parts, concatenated; the ranges refer to it.
    var text: [UInt8] = []
    var fields: [TextRange] = []
    var clubs: [TextRange] = []
    var items: [PromotionItemRanges] = []
    /// Items of the parts so far, to skip repeated ones.
    var known: Set<[UInt8]> = []
    var isTooLarge = false
  }

  /// Limits for one promotion and for all, in bytes.
  let recordLimit: Int
  let limit: Int
  private var promotions: [[UInt8]: Promotion] = [:]
  private var held = 0

  init(limits: PriceFileLimits) {
    recordLimit = limits.recordBytes
    limit = 16 * limits.recordBytes
  }

  /// - Returns: false when all promotions together are too large.
  mutating func add(_ part: borrowing PromotionDecoder, id: [UInt8], row: Int, updatedAt: Timestamp?) -> Bool {
    let stamp = updatedAt?.microseconds ?? .min
    var promotion = promotions.removeValue(forKey: id) ?? Promotion(id: id, row: row, updatedAt: stamp)
    defer { promotions[id] = promotion }
    if promotion.isTooLarge { return true }
    let before = promotion.size
    promotion.join(part, stamp)
    held += promotion.size - before
    guard promotion.size <= recordLimit else {
      held -= promotion.size
      promotion.drop()
      return true
    }
    return held <= limit
  }

  /// Removes and returns all, ordered by their first parts.
  mutating func take() -> [Promotion] {
    defer {
      promotions = [:]
      held = 0
    }
    return promotions.values.sorted { $0.row < $1.row }
  }
}

extension MergedPromotions.Promotion {
  fileprivate var size: Int { text.count + (items.count + clubs.count) * MemoryLayout<PromotionItemRanges>.stride }

  fileprivate mutating func drop() {
    (text, fields, clubs, items, known, isTooLarge) = ([], [], [], [], [], true)
  }

  fileprivate mutating func join(_ part: borrowing PromotionDecoder, _ stamp: Int64) {
    let shift = Int32(text.count)
    text += UnsafeBufferPointer(start: part.text.base, count: part.handedBytes)
    if fields.isEmpty || stamp > updatedAt {
      updatedAt = stamp
      fields = (0..<PromotionField.count).map { part.fields[$0].moved(by: shift) }
    }
    for club in part.handedClubs where !clubs.contains(where: { bytes($0).elementsEqual(part.text.text(club)) }) {
      clubs.append(club.moved(by: shift))
    }
    var new: [[UInt8]] = []
    for item in part.handed {
      let says = item.all.map { part.text.text($0) }.joined(separator: [0])
      guard !known.contains(Array(says)) else { continue }
      new.append(Array(says))
      items.append(item)
      items[items.count - 1].move(by: shift)
    }
    known.formUnion(new)
  }

  private func bytes(_ place: TextRange) -> ArraySlice<UInt8> { text[Int(place.start)..<Int(place.end)] }
}
