/// The masters with what all chains call them, and the decisions about them. Not safe for concurrent use: `MasterIndex`
/// guards it.
///
/// What a lookup finds depends only on the set of masters and decisions, never on the order they came in.
final class MasterStore {
  struct Entry: BitwiseCopyable {
    var key: MasterKey
    /// Of its names in `names`; `.max` for none.
    var firstName: UInt32
  }

  private var keys = KeyTable()
  private(set) var entries = GrowingArray<Entry>()
  /// What all chains call the masters; nil when they are known by their GTINs only.
  let names: NameIndex?
  var decisions = MasterDecisions()
  private var vacant: [UInt32] = []

  init(mode: MatchMode) { names = mode == .full ? NameIndex() : nil }

  var count: Int { keys.count }

  var byteCount: Int {
    keys.byteCount + entries.byteCount + vacant.capacity * 4 + (names?.byteCount ?? 0) + decisions.byteCount
  }

  // MARK: - Looking

  @inline(__always)
  func contains(_ key: MasterKey) -> Bool { key.isName ? entry(of: key) != nil : keys.contains(key.word) }

  private func entry(of key: MasterKey) -> UInt32? {
    guard names != nil else { return nil }
    var found: UInt32?
    keys.search(key.word) { number in
      guard entries[Int(number)].key == key else { return false }
      found = number
      return true
    }
    return found
  }

  /// The entry that stands for this one: of a master that was merged into another, the other one's where it is known.
  func representative(_ number: UInt32) -> UInt32 {
    guard decisions.hasMerges else { return number }
    let key = entries[Int(number)].key
    let survivor = decisions.survivor(of: key)
    return survivor == key ? number : entry(of: survivor) ?? number
  }

  func isKnown(_ text: ProductText, as key: MasterKey) -> Bool {
    guard let names, let entry = entry(of: key) else { return false }
    return names.isKnown(text, from: entries[Int(entry)].firstName)
  }

  // MARK: - Changing

  /// Adds a master, or a name to what a known one is called.
  /// - Returns: false when the store has just this already.
  func put(_ key: MasterKey, _ text: ProductText, _ facts: RowFacts) -> Bool {
    guard let names else {
      if keys.contains(key.word) { return false }
      keys.insert(key.word, 0)
      return true
    }
    if let known = entry(of: key) {
      let first = entries[Int(known)].firstName
      if names.isKnown(text, from: first) { return false }
      entries[Int(known)].firstName = names.add(text, facts, master: known, key: key, first: first)
      return true
    }
    let number = vacant.popLast() ?? UInt32(entries.count)
    let entry = Entry(key: key, firstName: names.add(text, facts, master: number, key: key, first: .max))
    if Int(number) < entries.count { entries[Int(number)] = entry } else { entries.append(entry) }
    keys.insert(key.word, number)
    return true
  }

  /// - Returns: false when it is not there.
  func remove(_ key: MasterKey) -> Bool {
    guard let names else {
      guard keys.contains(key.word) else { return false }
      keys.remove(key.word, 0)
      return true
    }
    guard let number = entry(of: key) else { return false }
    var name = entries[Int(number)].firstName
    while name != .max { name = names.remove(name) }
    keys.remove(key.word, number)
    vacant.append(number)
    return true
  }
}
