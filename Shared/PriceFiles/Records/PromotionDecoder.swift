/// Builds promotions from markup. Elements are recognised by name at any depth, so that lists that one dialect keeps
/// elsewhere (Bina's clubs inside the restrictions) need no rule of their own.
struct PromotionDecoder: ~Copyable {
  enum Found: Equatable { case nothing, promotion }

  private enum Target {
    case none
    case field(PromotionField)
    case item(PromotionField)
    case group(PromotionField)
    case club
  }

  private(set) var text: RecordText
  let fields: UnsafeMutablePointer<TextRange>
  private(set) var items: [PromotionItemRanges] = []
  private var clubs: [TextRange] = []
  private(set) var isTooLarge = false
  /// Items of complete promotions.
  private(set) var itemReferences = 0
  private(set) var hasGroups = false

  // Depths of the elements, or -1 outside of them.
  private(set) var rowDepth = -1
  private var rowName: [UInt8] = []
  private var itemDepth = -1
  private var groupDepth = -1
  private var skipDepth = -1
  private var isFlat = false
  private var group = PromotionItemRanges()
  private var target = Target.none
  private var targetStart = 0

  // Flat rows of one promotion are joined: the first row waits for the next.
  private let waiting: UnsafeMutablePointer<TextRange>
  private var hasWaiting = false
  private var rowTextStart = 0
  private var rowItemStart = 0
  private var rowClubStart = 0
  private var handedItems = 0
  private var keepsLastRow = false

  init(limit: Int) {
    text = RecordText(limit: limit)
    fields = .allocate(capacity: PromotionField.count)
    fields.initialize(repeating: TextRange(), count: PromotionField.count)
    waiting = .allocate(capacity: PromotionField.count)
    waiting.initialize(repeating: TextRange(), count: PromotionField.count)
  }

  deinit {
    fields.deallocate()
    waiting.deallocate()
  }

  /// - Parameter depth: of the element itself; 1 for the root.
  /// - Returns: false when no dialect has an element of this name.
  mutating func startTag(_ name: UnsafeBufferPointer<UInt8>, depth: Int) -> Bool {
    if skipDepth >= 0 { return true }
    // An element with children has no value.
    target = .none
    let meaning = PromotionNames.table.meaning(of: name)
    guard rowDepth >= 0 else {
      switch meaning {
      case .promotion, .flatRow:
        if !name.elementsEqual(rowName) { rowName = Array(name) }
        beginRow(depth, isFlat: meaning == .flatRow)
      default: return true
      }
      return true
    }
    guard let meaning else {
      skipDepth = depth
      return false
    }
    switch meaning {
    case .field(let field): beginField(field)
    case .club: (target, targetStart) = (.club, text.used)
    case .group:
      group = PromotionItemRanges()
      hasGroups = true
      groupDepth = depth
    case .item:
      guard !isTooLarge else { break }
      itemDepth = depth
      var item = PromotionItemRanges()
      item.keep(group[.groupID], as: .groupID)
      items.append(item)
      noteSize()
    case .container, .promotion, .flatRow, .structure, .ignored: break
    }
    return true
  }

  /// - Returns: `promotion` when one is complete: it is in `fields`, `handed` and `handedClubs` until `clear`.
  mutating func endTag(depth: Int) -> Found {
    if skipDepth >= 0 {
      if depth == skipDepth { skipDepth = -1 }
      return .nothing
    }
    finishElement()
    if rowDepth < 0 {
      // The end of the list completes the waiting rows.
      guard hasWaiting else { return .nothing }
      fields.update(from: waiting, count: PromotionField.count)
      return found(items.count, keepsLastRow: false)
    }
    if depth == itemDepth {
      itemDepth = -1
      dropItemWithoutCode()
    } else if depth == groupDepth {
      groupDepth = -1
      group = PromotionItemRanges()
    } else if depth == rowDepth {
      rowDepth = -1
      return isFlat ? endFlatRow() : found(items.count, keepsLastRow: false)
    }
    return .nothing
  }

  mutating func text(_ piece: UnsafeBufferPointer<UInt8>, isPlain: Bool, isCDATA: Bool, cleaner: inout FieldText) {
    if case .none = target { return }
    if skipDepth >= 0 || isTooLarge { return }
    if !text.append(piece, isPlain: isPlain, isCDATA: isCDATA, cleaner: &cleaner) { isTooLarge = true }
  }

  // MARK: - Rows

  private mutating func beginRow(_ depth: Int, isFlat: Bool) {
    self.isFlat = isFlat
    if !isFlat { clear() }
    rowDepth = depth
    itemDepth = -1
    groupDepth = -1
    group = PromotionItemRanges()
    for field in 0..<PromotionField.count { fields[field] = TextRange() }
    rowTextStart = text.used
    rowItemStart = items.count
    rowClubStart = clubs.count
    if isFlat { items.append(PromotionItemRanges()) }
  }

  private mutating func endFlatRow() -> Found {
    dropItemWithoutCode()
    let id = Int(PromotionField.id.rawValue)
    if !hasWaiting {
      waiting.update(from: fields, count: PromotionField.count)
      hasWaiting = true
      return .nothing
    }
    if text.text(waiting[id]).elementsEqual(text.text(fields[id])) {
      joinClubs()
      // The row updated last counts; a file writes all its times in one form.
      let updatedAt = Int(PromotionField.updatedAt.rawValue)
      if text.text(waiting[updatedAt]).lexicographicallyPrecedes(text.text(fields[updatedAt])) {
        waiting.update(from: fields, count: PromotionField.count)
      }
      return .nothing
    }
    // The previous promotion is complete: hand it out, and let this row wait.
    for field in 0..<PromotionField.count { swap(&fields[field], &waiting[field]) }
    return found(rowItemStart, keepsLastRow: true)
  }

  private mutating func found(_ count: Int, keepsLastRow: Bool) -> Found {
    handedItems = count
    self.keepsLastRow = keepsLastRow
    itemReferences += count
    return .promotion
  }

  /// True for the start tag of a row inside an open row, whose end tag is missing.
  func isNextRow(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    rowDepth >= 0 && name.count == rowName.count && name.elementsEqual(rowName)
  }

  /// Discards the flat row that ends at `depth`; earlier rows stay.
  /// - Returns: false when no flat row ends there.
  mutating func dropFlatRow(depth: Int) -> Bool {
    guard isFlat, depth == rowDepth else { return false }
    rowDepth = -1
    skipDepth = -1
    target = .none
    items.removeLast(items.count - rowItemStart)
    clubs.removeLast(clubs.count - rowClubStart)
    return true
  }

  /// Bytes of `text` that the complete promotion uses.
  var handedBytes: Int { keepsLastRow ? rowTextStart : text.used }

  /// The items of the complete promotion.
  var handed: ArraySlice<PromotionItemRanges> { items[..<handedItems] }

  /// The clubs of the complete promotion.
  var handedClubs: ArraySlice<TextRange> { clubs[..<(keepsLastRow ? rowClubStart : clubs.count)] }

  /// Call after handing a promotion over.
  mutating func clear() {
    guard keepsLastRow else {
      text.clear()
      items.removeAll(keepingCapacity: true)
      clubs.removeAll(keepingCapacity: true)
      isTooLarge = false
      hasWaiting = false
      return
    }
    // Only a flat row that began the next promotion stays.
    keepsLastRow = false
    let shift = -Int32(rowTextStart)
    text.drop(first: rowTextStart)
    for field in 0..<PromotionField.count { waiting[field].move(by: shift) }
    items.removeFirst(handedItems)
    for index in items.indices { items[index].move(by: shift) }
    clubs.removeFirst(rowClubStart)
    for index in clubs.indices { clubs[index].move(by: shift) }
  }

  /// Keeps the last flat row's clubs that the promotion's earlier rows do not name.
  private mutating func joinClubs() {
    let before = clubs[..<rowClubStart]
    let new = clubs[rowClubStart...].filter { club in !before.contains { isSame($0, club) } }
    clubs.replaceSubrange(rowClubStart..., with: new)
  }

  private func isSame(_ one: TextRange, _ other: TextRange) -> Bool {
    text.text(one).elementsEqual(text.text(other))
  }

  private mutating func dropItemWithoutCode() {
    guard let last = items.last, last[.itemCode].isEmpty else { return }
    items.removeLast()
  }

  // MARK: - Fields

  private mutating func beginField(_ field: PromotionField) {
    targetStart = text.used
    if itemDepth >= 0 {
      target = .item(field)
    } else if groupDepth >= 0 {
      target = .group(field)
    } else if isFlat, field == .itemCode || field == .itemType || field == .isGift {
      target = .item(field)
    } else {
      target = .field(field)
    }
  }

  /// Stores the value of the element that ends. If a record repeats an element, the first value counts.
  private mutating func finishElement() {
    let target = target
    self.target = .none
    if case .none = target { return }
    let place = text.range(from: targetStart)
    switch target {
    case .none: break
    case .field(let field): Self.keep(place, in: &fields[Int(field.rawValue)])
    case .club:
      let club = clubPlace(place)
      // Compare within this row only: whether the earlier rows belong to its promotion is known when it ends.
      guard !club.isEmpty, !clubs[rowClubStart...].contains(where: { isSame($0, club) }) else { return }
      clubs.append(club)
      noteSize()
    case .group(let field):
      switch field {
      case .groupID: group.keep(place, as: field)
      case .minPurchaseAmount, .discountType: Self.keep(place, in: &fields[Int(field.rawValue)])
      default: break
      }
    case .item(let field):
      guard !items.isEmpty else { return }
      items[items.count - 1].keep(place, as: field)
      // The grouped dialect states it per item, the others per promotion.
      if field == .rewardType { Self.keep(place, in: &fields[Int(field.rawValue)]) }
    }
  }

  private static func keep(_ new: TextRange, in place: inout TextRange) {
    if place.isEmpty { place = new }
  }

  /// `0 - all customers` and `0=none` are club 0; a text without a number stays as it is.
  private func clubPlace(_ place: TextRange) -> TextRange {
    let digits = text.text(place).prefix { $0 &- UInt8(ascii: "0") < 10 }.count
    return digits == 0 ? place : TextRange(start: place.start, end: place.start + Int32(digits))
  }

  private mutating func noteSize() {
    let references = (items.count + clubs.count) * MemoryLayout<PromotionItemRanges>.stride
    if references + text.used > text.limit { isTooLarge = true }
  }
}
