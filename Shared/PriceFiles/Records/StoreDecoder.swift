/// Branches out of markup. What stands around a branch (chain, sub-chain) holds for it until it says otherwise.
struct StoreDecoder: ~Copyable {
  enum Found: Equatable { case nothing, store }

  private(set) var text: RecordText
  /// Of the branch at hand; of the elements around it.
  let fields: UnsafeMutablePointer<TextPlace>
  private(set) var isTooLarge = false
  private(set) var hasContainer = false

  private(set) var rowDepth = -1
  private var rowName: [UInt8] = []
  private var skipDepth = -1
  private var target: StoreField?
  private var targetStart = 0
  /// The texts around the branch, which outlive it.
  private var inherited: [[UInt8]]

  init(limit: Int) {
    text = RecordText(limit: limit)
    fields = .allocate(capacity: StoreField.count)
    fields.initialize(repeating: TextPlace(), count: StoreField.count)
    inherited = [[UInt8]](repeating: [], count: 4)
  }

  /// What was read before it was known that the file holds stores.
  mutating func inherit(chainID: String, chainName: String, subChainID: String) {
    inherited = [Array(chainID.utf8), Array(chainName.utf8), Array(subChainID.utf8), []]
  }

  deinit { fields.deallocate() }

  /// - Parameter depth: of the element itself, 1 for the root.
  /// - Returns: false when no dialect has an element of this name.
  mutating func startTag(_ name: UnsafeBufferPointer<UInt8>, depth: Int) -> Bool {
    if skipDepth >= 0 { return true }
    target = nil
    guard let meaning = StoreNames.table.meaning(of: name) else {
      // Around branches anything may stand; within one, what is not known is not looked into.
      if rowDepth >= 0 { skipDepth = depth }
      return rowDepth < 0
    }
    switch meaning {
    case .field(let field):
      if rowDepth < 0, !field.isInherited { break }
      target = field
      targetStart = text.used
    case .container:
      // What looked like a branch was a list of them: the root of the BigID dialect is called Store.
      rowDepth = -1
      hasContainer = true
    case .store:
      guard depth > 1 else { break }
      rowDepth = depth
      if !name.elementsEqual(rowName) { rowName = Array(name) }
      clear()
    case .subChain:
      inherited[Int(StoreField.subChainID.rawValue)] = []
      inherited[Int(StoreField.subChainName.rawValue)] = []
    case .structure, .ignored: break
    }
    return true
  }

  /// - Returns: `store` when one is whole: it is in `fields` until `clear`.
  mutating func endTag(depth: Int) -> Found {
    if skipDepth >= 0 {
      if depth == skipDepth { skipDepth = -1 }
      return .nothing
    }
    settle()
    guard depth == rowDepth else { return .nothing }
    rowDepth = -1
    for field in StoreField.allCases where field.isInherited && fields[Int(field.rawValue)].isEmpty {
      let start = text.used
      inherited[Int(field.rawValue)].withUnsafeBufferPointer { source in
        var none = FieldText()
        _ = text.append(source, isPlain: true, isCDATA: false, cleaner: &none)
      }
      fields[Int(field.rawValue)] = text.place(from: start)
    }
    return .store
  }

  mutating func text(
    _ piece: UnsafeBufferPointer<UInt8>, isPlain: Bool, isCDATA: Bool, cleaner: inout FieldText
  ) {
    guard target != nil, skipDepth < 0, !isTooLarge else { return }
    if !text.append(piece, isPlain: isPlain, isCDATA: isCDATA, cleaner: &cleaner) { isTooLarge = true }
  }

  /// True for the start tag of a branch while one is open: its end tag is missing.
  func isNextRow(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    rowDepth >= 0 && name.count == rowName.count && name.elementsEqual(rowName)
  }

  mutating func clear() {
    text.clear()
    isTooLarge = false
    for field in 0..<StoreField.count { fields[field] = TextPlace() }
  }

  private mutating func settle() {
    guard let field = target else { return }
    target = nil
    let place = text.place(from: targetStart)
    if rowDepth >= 0 {
      if fields[Int(field.rawValue)].isEmpty { fields[Int(field.rawValue)] = place }
    } else {
      inherited[Int(field.rawValue)] = Array(text.text(place))
      text.clear()
    }
  }
}
