import Schemas

/// Promotions whose parts lie apart in their file, until all of it is read. The parts are united: their items and
/// clubs are joined, of what they say besides the part that was updated last counts, of two alike the first.
struct UnitedPromotions: ~Copyable {
  struct Promotion {
    let id: [UInt8]
    /// Of its first part.
    let row: Int
    var updatedAt: Int64
    /// The texts of all parts, one behind the other; the places lie in it.
    var text: [UInt8] = []
    var fields: [TextPlace] = []
    var clubs: [TextPlace] = []
    var items: [PromotionItemPlaces] = []
    /// What the parts so far say of an item: an item that a later part repeats is not joined again.
    var known: Set<[UInt8]> = []
    var isTooLarge = false
  }

  /// Texts and items of one promotion; of all.
  let recordLimit: Int
  let limit: Int
  private var promotions: [[UInt8]: Promotion] = [:]
  private var held = 0

  init(limits: PriceFileLimits) {
    recordLimit = limits.recordBytes
    limit = 16 * limits.recordBytes
  }

  /// - Returns: false when all of them together are too large.
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

  /// In the order of their first parts.
  mutating func take() -> [Promotion] {
    defer {
      promotions = [:]
      held = 0
    }
    return promotions.values.sorted { $0.row < $1.row }
  }
}

extension UnitedPromotions.Promotion {
  fileprivate var size: Int { text.count + (items.count + clubs.count) * MemoryLayout<PromotionItemPlaces>.stride }

  fileprivate mutating func drop() {
    (text, fields, clubs, items, known, isTooLarge) = ([], [], [], [], [], true)
  }

  fileprivate mutating func join(_ part: borrowing PromotionDecoder, _ stamp: Int64) {
    let shift = Int32(text.count)
    text += UnsafeBufferPointer(start: part.text.base, count: part.handedBytes)
    if fields.isEmpty || stamp > updatedAt {
      updatedAt = stamp
      fields = (0..<PromotionField.count).map { part.fields[$0].moved(behind: shift) }
    }
    for club in part.handedClubs where !clubs.contains(where: { bytes($0).elementsEqual(part.text.text(club)) }) {
      clubs.append(club.moved(behind: shift))
    }
    var new: [[UInt8]] = []
    for item in part.handed {
      let says = item.all.map { part.text.text($0) }.joined(separator: [0])
      guard !known.contains(Array(says)) else { continue }
      new.append(Array(says))
      items.append(item.moved(behind: shift))
    }
    known.formUnion(new)
  }

  private func bytes(_ place: TextPlace) -> ArraySlice<UInt8> { text[Int(place.start)..<Int(place.end)] }
}
