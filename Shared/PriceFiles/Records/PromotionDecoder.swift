/// Promotions out of markup. Elements are known by their names wherever they stand, so that lists which one dialect
/// keeps in another place (Bina's clubs inside the restrictions) need no rule of their own.
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
  let fields: UnsafeMutablePointer<TextPlace>
  private(set) var items: [PromotionItemPlaces] = []
  private var clubs: [TextPlace] = []
  private(set) var isTooLarge = false
  private(set) var hasContainer = false
  /// Items whose code is missing.
  private(set) var itemsWithoutCode = 0
  /// Item references of whole promotions.
  private(set) var itemReferences = 0
  private(set) var hasGroups = false

  // The depth of the element itself, or -1 outside of one.
  private(set) var rowDepth = -1
  private var rowName: [UInt8] = []
  private var itemDepth = -1
  private var groupDepth = -1
  private var skipDepth = -1
  private var isFlat = false
  private var group = PromotionItemPlaces()
  private var target = Target.none
  private var targetStart = 0

  // Rows of the flat kind that name one promotion are joined: the one before waits for the next.
  private let waiting: UnsafeMutablePointer<TextPlace>
  private var hasWaiting = false
  private var rowTextStart = 0
  private var rowItemStart = 0
  private var rowClubStart = 0
  private var handedItems = 0
  private var keepsLastRow = false

  init(limit: Int) {
    text = RecordText(limit: limit)
    fields = .allocate(capacity: PromotionField.count)
    fields.initialize(repeating: TextPlace(), count: PromotionField.count)
    waiting = .allocate(capacity: PromotionField.count)
    waiting.initialize(repeating: TextPlace(), count: PromotionField.count)
  }

  deinit {
    fields.deallocate()
    waiting.deallocate()
  }

  /// - Parameter depth: of the element itself, 1 for the root.
  /// - Returns: false when no dialect has an element of this name.
  mutating func startTag(_ name: UnsafeBufferPointer<UInt8>, depth: Int) -> Bool {
    if skipDepth >= 0 { return true }
    // An element that holds others is none of the values.
    target = .none
    let meaning = PromotionNames.table.meaning(of: name)
    guard rowDepth >= 0 else {
      switch meaning {
      case .container: hasContainer = true
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
    case .field(let field): aim(at: field)
    case .club: (target, targetStart) = (.club, text.used)
    case .group:
      group = PromotionItemPlaces()
      hasGroups = true
      groupDepth = depth
    case .item:
      guard !isTooLarge else { break }
      itemDepth = depth
      var item = PromotionItemPlaces()
      item.groupID = group.groupID
      items.append(item)
      noteSize()
    case .container, .promotion, .flatRow, .structure, .ignored: break
    }
    return true
  }

  /// - Returns: `promotion` when one is whole: it is in `fields`, `handed` and `handedClubs` until `clear`.
  mutating func endTag(depth: Int) -> Found {
    if skipDepth >= 0 {
      if depth == skipDepth { skipDepth = -1 }
      return .nothing
    }
    settle()
    if rowDepth < 0 {
      // The end of the list: the rows that waited for more of their kind are whole.
      guard hasWaiting else { return .nothing }
      fields.update(from: waiting, count: PromotionField.count)
      return found(items.count, keepsLastRow: false)
    }
    if depth == itemDepth {
      itemDepth = -1
      dropItemWithoutCode()
    } else if depth == groupDepth {
      groupDepth = -1
      group = PromotionItemPlaces()
    } else if depth == rowDepth {
      rowDepth = -1
      return isFlat ? endFlatRow() : found(items.count, keepsLastRow: false)
    }
    return .nothing
  }

  mutating func text(
    _ piece: UnsafeBufferPointer<UInt8>, isPlain: Bool, isCDATA: Bool, cleaner: inout FieldText
  ) {
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
    group = PromotionItemPlaces()
    for field in 0..<PromotionField.count { fields[field] = TextPlace() }
    rowTextStart = text.used
    rowItemStart = items.count
    rowClubStart = clubs.count
    if isFlat { items.append(PromotionItemPlaces()) }
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
      // Of the rows of one promotion the one that was updated last counts; a file writes all times in one form.
      let updatedAt = Int(PromotionField.updatedAt.rawValue)
      if text.text(waiting[updatedAt]).lexicographicallyPrecedes(text.text(fields[updatedAt])) {
        waiting.update(from: fields, count: PromotionField.count)
      }
      return .nothing
    }
    // The one before is whole: it goes out, and this row waits in its place.
    for field in 0..<PromotionField.count { swap(&fields[field], &waiting[field]) }
    return found(rowItemStart, keepsLastRow: true)
  }

  private mutating func found(_ count: Int, keepsLastRow: Bool) -> Found {
    handedItems = count
    self.keepsLastRow = keepsLastRow
    itemReferences += count
    return .promotion
  }

  /// True for the start tag of a row while one is open: its end tag is missing.
  func isNextRow(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    rowDepth >= 0 && name.count == rowName.count && name.elementsEqual(rowName)
  }

  /// Forgets the flat row that ends at `depth`; the rows before it stay.
  /// - Returns: false when none does.
  mutating func dropFlatRow(depth: Int) -> Bool {
    guard isFlat, depth == rowDepth else { return false }
    rowDepth = -1
    skipDepth = -1
    target = .none
    items.removeLast(items.count - rowItemStart)
    clubs.removeLast(clubs.count - rowClubStart)
    return true
  }

  /// Bytes of `text` that the promotion that is whole lies in.
  var handedBytes: Int { keepsLastRow ? rowTextStart : text.used }

  /// The items of the promotion that is whole.
  var handed: ArraySlice<PromotionItemPlaces> { items[..<handedItems] }

  /// The clubs of the promotion that is whole.
  var handedClubs: ArraySlice<TextPlace> { clubs[..<(keepsLastRow ? rowClubStart : clubs.count)] }

  /// To be called after a promotion was handed over.
  mutating func clear() {
    guard keepsLastRow else {
      text.clear()
      items.removeAll(keepingCapacity: true)
      clubs.removeAll(keepingCapacity: true)
      isTooLarge = false
      hasWaiting = false
      return
    }
    // A flat row that began the next promotion stays, alone.
    keepsLastRow = false
    let shift = Int32(rowTextStart)
    text.drop(first: rowTextStart)
    for field in 0..<PromotionField.count { waiting[field].move(by: shift) }
    items.removeFirst(handedItems)
    for index in items.indices {
      items[index].code.move(by: shift)
      items[index].itemType.move(by: shift)
      items[index].isGift.move(by: shift)
    }
    clubs.removeFirst(rowClubStart)
    for index in clubs.indices { clubs[index].move(by: shift) }
  }

  /// Of the clubs of the last flat row those stay that the rows of its promotion before it do not name.
  private mutating func joinClubs() {
    let before = clubs[..<rowClubStart]
    let new = clubs[rowClubStart...].filter { club in !before.contains { isSame($0, club) } }
    clubs.replaceSubrange(rowClubStart..., with: new)
  }

  private func isSame(_ one: TextPlace, _ other: TextPlace) -> Bool {
    text.text(one).elementsEqual(text.text(other))
  }

  private mutating func dropItemWithoutCode() {
    guard let last = items.last, last.code.isEmpty else { return }
    items.removeLast()
    itemsWithoutCode += 1
  }

  // MARK: - Fields

  private mutating func aim(at field: PromotionField) {
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

  /// The element at hand is whole. Of elements that a record repeats the first counts.
  private mutating func settle() {
    let target = target
    self.target = .none
    if case .none = target { return }
    let place = text.place(from: targetStart)
    switch target {
    case .none: break
    case .field(let field): Self.keep(place, in: &fields[Int(field.rawValue)])
    case .club:
      let club = clubPlace(place)
      // Of this row alone: whether the rows before are of its promotion is known when it ends.
      guard !club.isEmpty, !clubs[rowClubStart...].contains(where: { isSame($0, club) }) else { return }
      clubs.append(club)
      noteSize()
    case .group(let field):
      switch field {
      case .groupID: Self.keep(place, in: &group.groupID)
      case .minPurchaseAmount, .discountType: Self.keep(place, in: &fields[Int(field.rawValue)])
      default: break
      }
    case .item(let field):
      guard !items.isEmpty else { return }
      items[items.count - 1].keep(place, as: field)
      // The grouped dialect says it of every item, the others of the promotion.
      if field == .rewardType { Self.keep(place, in: &fields[Int(field.rawValue)]) }
    }
  }

  private static func keep(_ new: TextPlace, in place: inout TextPlace) {
    if place.isEmpty { place = new }
  }

  /// `0 - everybody` and `0=none` are club 0; a text without a number stays as it is.
  private func clubPlace(_ place: TextPlace) -> TextPlace {
    let digits = text.text(place).prefix { $0 &- UInt8(ascii: "0") < 10 }.count
    return digits == 0 ? place : TextPlace(start: place.start, end: place.start + Int32(digits))
  }

  private mutating func noteSize() {
    let references = (items.count + clubs.count) * MemoryLayout<PromotionItemPlaces>.stride
    if references + text.used > text.limit { isTooLarge = true }
  }
}
