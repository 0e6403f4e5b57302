/// The masters with their words, and the vector index over them. Not safe for concurrent use: `MasterIndex` guards it.
///
/// What a lookup finds depends only on the set of masters, never on the order they came in.
final class MasterStore {
  struct Entry: BitwiseCopyable {
    var key: MasterKey
    var identity: UInt64
    /// Of the first letter and token in their runs.
    var letters: UInt32
    var tokens: UInt32
    var tokenCount: UInt8
    var hasBrand: Bool
    var isVacant: Bool
    var shelf: UInt32
    var place: UInt32
    /// Of its names in `names`.
    var firstName: UInt32 = .max
  }

  let mode: MatchMode
  private var keys = KeyTable()
  private(set) var entries = GrowingArray<Entry>()
  private var letters = GrowingArray<UInt16>(capacity: 1 << 12)
  private var tokens = GrowingArray<Token>(capacity: 1 << 10)
  private var identities = KeyTable()
  private var shelfNumbers = KeyTable()
  private(set) var shelves: [Shelf] = []
  private var postings = Postings()
  let words: WordCounts
  let brands: WordCounts
  /// What all chains call the masters; nil when names are compared by rules and not by a model.
  let names: NameIndex?
  var decisions = MasterDecisions()
  private var vacant: [UInt32] = []
  private let grams = Grams()
  private var shelfBytes = 0

  init(mode: MatchMode, keepsNames: Bool) {
    self.mode = mode
    names = mode == .full && keepsNames ? NameIndex() : nil
    words = WordCounts(bits: mode == .full && !keepsNames ? 20 : 0)
    brands = WordCounts(bits: mode == .full && !keepsNames ? 20 : 0)
  }

  var count: Int { keys.count }
  private(set) var named = 0
  /// Room of the largest shelf, vacant places included.
  private(set) var largestShelf = 0

  var byteCount: Int {
    keys.byteCount + entries.byteCount + letters.byteCount + tokens.byteCount + identities.byteCount
      + postings.byteCount + shelfBytes + vacant.capacity * 4 + words.byteCount + brands.byteCount
      + (names?.byteCount ?? 0) + decisions.byteCount
  }

  // MARK: - Looking

  @inline(__always)
  func contains(_ key: MasterKey) -> Bool { key.isName ? entry(of: key) != nil : keys.contains(key.word) }

  private func entry(of key: MasterKey) -> UInt32? {
    var found: UInt32?
    keys.search(key.word) { number in
      guard mode != .full || entries[Int(number)].key == key else { return false }
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

  /// The master with just these words and this size; of several, the one with the smallest key.
  func equal(_ identity: UInt64) -> MasterKey? {
    var best: MasterKey?
    identities.search(identity) { number in
      let key = entries[Int(number)].key
      if best.map({ key < $0 }) ?? true { best = key }
      return false
    }
    return best
  }

  func shelf(_ size: ProductSize?) -> Shelf? {
    var found: Int?
    shelfNumbers.search(size?.word ?? 0) { number in
      found = Int(number)
      return true
    }
    return found.map { shelves[$0] }
  }

  /// Calls `body` with the masters' places on the shelf that have each n-gram; valid until the next change.
  /// - Returns: what was read ahead, to be kept somewhere.
  @inline(__always)
  func lists(_ shelf: Shelf, _ grams: UnsafeBufferPointer<UInt32>, _ body: (UInt32, Postings.List) -> Void) -> UInt32 {
    // The places in memory are far apart: asked for all at once, they arrive together.
    var read: UInt32 = 0
    for gram in grams { read &+= postings.approach(shelf.key(gram)) }
    for gram in grams {
      if let list = postings.list(shelf.key(gram)) { body(gram, list) }
    }
    return read
  }

  /// What comparing reads, without a reference to count; valid until the next change.
  struct Rows: BitwiseCopyable {
    let entries: UnsafePointer<Entry>
    let letters: UnsafePointer<UInt16>
    let tokens: UnsafePointer<Token>
    let words: WordCounts.View
    let brands: WordCounts.View
    let named: UInt32

    @inline(__always)
    func letters(_ entry: UInt32, _ token: Token) -> UnsafeBufferPointer<UInt16> {
      UnsafeBufferPointer(
        start: letters + Int(entries[Int(entry)].letters) + Int(token.start), count: Int(token.count))
    }

    /// Of a word that so many masters have: 24, and 8 more for every time its number halves.
    @inline(__always)
    func weight(_ count: UInt32) -> Int32 { 24 + 8 * Logarithm.eighths(named + 1, over: count + 1) / 8 }
  }

  var rows: Rows {
    Rows(
      entries: UnsafePointer(entries.start), letters: UnsafePointer(letters.start),
      tokens: UnsafePointer(tokens.start), words: words.view, brands: brands.view, named: UInt32(named))
  }

  func tokens(_ entry: Entry) -> UnsafeBufferPointer<Token> {
    UnsafeBufferPointer(start: tokens.start + Int(entry.tokens), count: Int(entry.tokenCount))
  }

  // MARK: - Changing

  /// - Returns: false when the store has just this already.
  func put(_ key: MasterKey, _ text: ProductText, _ facts: RowFacts) -> Bool {
    guard mode == .full else {
      if keys.contains(key.word) { return false }
      keys.insert(key.word, 0)
      return true
    }
    if let names { return put(key, text, facts, names) }
    if let known = entry(of: key) {
      if isEqual(entries[Int(known)], text) { return false }
      remove(known)
    }
    let number = vacant.popLast() ?? UInt32(entries.count)
    let shelf = shelfForAdding(text.size)
    grams.set(text)
    let place = shelf.add(number, tokens: UInt32(tokens.count), count: text.tokenCount)
    largestShelf = max(largestShelf, shelf.members.count)
    for index in 0..<grams.count { postings.add(shelf.key(grams.hashes[index]), place) }
    let entry = Entry(
      key: key, identity: text.identity, letters: UInt32(letters.count), tokens: UInt32(tokens.count),
      tokenCount: UInt8(text.tokenCount), hasBrand: text.hasBrand, isVacant: false, shelf: shelf.number, place: place)
    letters.append(UnsafeBufferPointer(start: text.units, count: text.unitCount))
    tokens.append(UnsafeBufferPointer(start: text.tokens, count: text.tokenCount))
    if Int(number) < entries.count { entries[Int(number)] = entry } else { entries.append(entry) }
    keys.insert(key.word, number)
    identities.insert(entry.identity, number)
    countWords(entry, 1)
    return true
  }

  /// Adds a name to what a master is called.
  private func put(_ key: MasterKey, _ text: ProductText, _ facts: RowFacts, _ names: NameIndex) -> Bool {
    if let known = entry(of: key) {
      let first = entries[Int(known)].firstName
      if names.isKnown(text, from: first) { return false }
      entries[Int(known)].firstName = names.add(text, facts, master: known, key: key, next: first)
      return true
    }
    let number = vacant.popLast() ?? UInt32(entries.count)
    var entry = Entry(
      key: key, identity: text.identity, letters: 0, tokens: 0, tokenCount: 0, hasBrand: text.hasBrand, isVacant: false,
      shelf: 0, place: 0)
    entry.firstName = names.add(text, facts, master: number, key: key, next: .max)
    if Int(number) < entries.count { entries[Int(number)] = entry } else { entries.append(entry) }
    keys.insert(key.word, number)
    if key.isName { identities.insert(entry.identity, number) }
    return true
  }

  private func removeNames(_ number: UInt32, _ names: NameIndex) {
    let entry = entries[Int(number)]
    var name = entry.firstName
    while name != .max { name = names.remove(name) }
    keys.remove(entry.key.word, number)
    if entry.key.isName { identities.remove(entry.identity, number) }
    entries[Int(number)].isVacant = true
    vacant.append(number)
  }

  /// - Returns: false when it is not there.
  func remove(_ key: MasterKey) -> Bool {
    guard mode == .full else {
      guard keys.contains(key.word) else { return false }
      keys.remove(key.word, 0)
      return true
    }
    guard let number = entry(of: key) else { return false }
    if let names { removeNames(number, names) } else { remove(number) }
    return true
  }

  private func remove(_ number: UInt32) {
    let entry = entries[Int(number)]
    let text = ProductText()
    text.copy(tokens(entry), UnsafePointer(letters.start + Int(entry.letters)))
    let shelf = shelves[Int(entry.shelf)]
    grams.set(text)
    for index in 0..<grams.count { postings.remove(shelf.key(grams.hashes[index]), entry.place) }
    shelf.remove(entry.place)
    countWords(entry, -1)
    keys.remove(entry.key.word, number)
    identities.remove(entry.identity, number)
    entries[Int(number)].isVacant = true
    vacant.append(number)
  }

  private func isEqual(_ entry: Entry, _ text: ProductText) -> Bool {
    guard entry.identity == text.identity, Int(entry.tokenCount) == text.tokenCount else { return false }
    let known = tokens(entry)
    return (0..<text.tokenCount).allSatisfy {
      known[$0].hash == text.tokens[$0].hash && known[$0].traits == text.tokens[$0].traits
    }
  }

  private func countWords(_ entry: Entry, _ amount: Int32) {
    named += Int(amount)
    for token in tokens(entry) {
      words.add(token.hash, amount)
      if token.isBrand { brands.add(token.hash, amount) }
    }
  }

  private func shelfForAdding(_ size: ProductSize?) -> Shelf {
    if let shelf = shelf(size) { return shelf }
    let shelf = Shelf(number: UInt32(shelves.count))
    shelves.append(shelf)
    shelfNumbers.insert(size?.word ?? 0, shelf.number)
    return shelf
  }

  /// Counts the shelves' memory, which is too many places to look at for every question.
  func measure() { shelfBytes = shelves.reduce(0) { $0 + $1.byteCount } }
}

extension ProductText {
  /// The words of a stored master.
  func copy(_ source: UnsafeBufferPointer<Token>, _ letters: UnsafePointer<UInt16>) {
    tokenCount = source.count
    var end = 0
    for (index, token) in source.enumerated() {
      tokens[index] = token
      end = max(end, Int(token.start) + Int(token.count))
    }
    units.update(from: letters, count: min(end, Self.maxUnits))
  }
}
