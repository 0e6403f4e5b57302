/// Finds the masters whose n-gram vectors are nearest to a product's: exact up to its stated bounds, no graph walk.
///
/// The lists of the product's n-grams on its shelf are added up from the shortest to the longest. Once the lists left
/// weigh too little for a newcomer to be worth comparing, and enough entries were seen, the rest is not read. All of it
/// depends on counts only, so the same set of masters gives the same answer, in whatever order they came.
final class NearestNames {
  /// Masters that are compared word by word, at most.
  static let candidates = 64
  /// A master that only lists without this share of the weight could add, in percent, is not worth comparing.
  private static let leastShare: Int32 = 30
  /// Nor one with less than this of the most that any has, in percent.
  private static let leastOfMost: Int32 = 85
  /// Entries read before the first rule may end the reading.
  private static let leastEntries = 1_500
  /// Of an n-gram; a text has at most `ProductText.maxUnits` of them.
  private static let mostWeight = Int32(UInt16.max) / Int32(ProductText.maxUnits)

  /// A master worth comparing, and where its words lie.
  struct Candidate: BitwiseCopyable {
    var master: UInt32
    var tokens: UInt32
    var tokenCount: UInt32
  }

  private struct Line: BitwiseCopyable {
    var start: UnsafePointer<UInt32>
    var count: UInt32
    var gram: UInt32
    var weight: Int32
  }

  private let grams = Grams()
  private let lines = UnsafeMutablePointer<Line>.allocate(capacity: Grams.capacity)
  /// Sixteen bits, so that those of a large shelf stay in the nearest cache; `mostWeight` keeps them from overflowing.
  private var sums = UnsafeMutablePointer<UInt16>.allocate(capacity: 1)
  private var room = 0
  private var touched = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
  /// Of no meaning, but without a place to go the reading ahead would be left out.
  private var approached: UInt32 = 0
  private let levels = UnsafeMutablePointer<Int32>.allocate(capacity: 101)
  private let found = UnsafeMutablePointer<Candidate>.allocate(capacity: NearestNames.candidates)

  deinit {
    lines.deallocate()
    sums.deallocate()
    touched.deallocate()
    levels.deallocate()
    found.deallocate()
  }

  /// In no order; valid until the next search.
  func search(_ text: ProductText, in store: MasterStore) -> UnsafeBufferPointer<Candidate> {
    guard let shelf = store.shelf(text.size), shelf.count > 0 else { return .init(start: found, count: 0) }
    makeRoom(store.largestShelf)
    grams.set(text)
    let (lineCount, total) = collectLines(shelf, store)
    guard lineCount > 0 else { return .init(start: found, count: 0) }
    let (touched, sums) = (touched, sums)
    approach(lineCount, total)
    let touchedCount = addUp(lineCount, total, touched, sums)
    let count = choose(touchedCount, touched, sums, UnsafePointer(shelf.members.start), store)
    for index in 0..<touchedCount { sums[Int(touched[index])] = 0 }
    return .init(start: found, count: count)
  }

  private func collectLines(_ shelf: Shelf, _ store: MasterStore) -> (count: Int, total: Int32) {
    var count = 0
    var total: Int32 = 0
    let lines = lines
    let members = UInt32(shelf.count) + 1
    approached = store.lists(shelf, UnsafeBufferPointer(start: grams.hashes, count: grams.count)) { gram, list in
      let weight = min(Self.mostWeight, 8 + Logarithm.eighths(members, over: UInt32(list.count)))
      total += weight
      var place = count
      // From the shortest to the longest; n-grams break ties, so that the order is always the same.
      while place > 0, lines[place - 1].count > list.count
        || (lines[place - 1].count == list.count && lines[place - 1].gram > gram)
      {
        lines[place] = lines[place - 1]
        place -= 1
      }
      lines[place] = Line(start: list.start, count: UInt32(list.count), gram: gram, weight: weight)
      count += 1
    }
    return (count, total)
  }

  /// Reads a word of each cache line that `addUp` is going to read, all of them independent of each other, so that they
  /// are fetched side by side instead of one after the other.
  private func approach(_ lineCount: Int, _ total: Int32) {
    var rest = total
    var entries = 0
    var read: UInt32 = 0
    for index in 0..<lineCount {
      let line = lines[index]
      if entries >= Self.leastEntries, rest * 100 < total * Self.leastShare { break }
      for position in stride(from: 0, to: Int(line.count), by: 16) { read &+= line.start[position] }
      rest -= line.weight
      entries += Int(line.count)
    }
    approached = read
  }

  private func addUp(
    _ lineCount: Int, _ total: Int32, _ touched: UnsafeMutablePointer<UInt32>, _ sums: UnsafeMutablePointer<UInt16>
  ) -> Int {
    var touchedCount = 0
    var rest = total
    var entries = 0
    for index in 0..<lineCount {
      let line = lines[index]
      if entries >= Self.leastEntries, rest * 100 < total * Self.leastShare { break }
      let weight = UInt16(truncatingIfNeeded: line.weight)
      for position in 0..<Int(line.count) {
        let place = line.start[position]
        let sum = sums[Int(place)]
        // Always written, counted only for a newcomer: there is no branch to mispredict.
        touched[touchedCount] = place
        touchedCount &+= sum == 0 ? 1 : 0
        sums[Int(place)] = sum &+ weight
      }
      rest -= line.weight
      entries += Int(line.count)
    }
    return touchedCount
  }

  /// Takes the best levels (percent of the most that any has) that fit together.
  /// - Returns: how many.
  private func choose(
    _ touchedCount: Int, _ touched: UnsafeMutablePointer<UInt32>, _ sums: UnsafeMutablePointer<UInt16>,
    _ members: UnsafePointer<Shelf.Member>, _ store: MasterStore
  ) -> Int {
    let levels = levels
    var most: Int32 = 1
    for index in 0..<touchedCount { most = max(most, Int32(sums[Int(touched[index])])) }
    let floor = most * Self.leastOfMost / 100
    levels.update(repeating: 0, count: 101)
    var passed = 0
    for index in 0..<touchedCount {
      let sum = Int32(sums[Int(touched[index])])
      guard sum >= floor else { continue }
      levels[Int(sum * 100 / most)] += 1
      // Those that passed move to the front, and what was there to their place: all have to be cleared later.
      (touched[passed], touched[index]) = (touched[index], touched[passed])
      passed += 1
    }
    var level = 100
    var count = Int(levels[100])
    while level > Int(Self.leastOfMost), count + Int(levels[level - 1]) <= Self.candidates {
      level -= 1
      count += Int(levels[level])
    }
    var kept = 0
    for index in 0..<passed where Int(Int32(sums[Int(touched[index])]) * 100 / most) >= level {
      (touched[kept], touched[index]) = (touched[index], touched[kept])
      kept += 1
    }
    if kept > Self.candidates {
      // Of very many that are equally near, those with the smallest keys.
      let entries = store.rows.entries
      var all = UnsafeMutableBufferPointer(start: touched, count: kept)
      all.sort {
        entries[Int(members[Int($0)].master)].key < entries[Int(members[Int($1)].master)].key
      }
      kept = Self.candidates
    }
    // The words of all of them are read ahead, too.
    let tokens = store.rows.tokens
    var read: UInt64 = 0
    for index in 0..<kept {
      let member = members[Int(touched[index])]
      let (first, last) = (Int(member.tokens), Int(member.tokens &+ member.tokenCount &- 1))
      read &+= tokens[first].hash &+ tokens[(first + last) / 2].hash &+ tokens[last].hash
      found[index] = Candidate(master: member.master, tokens: member.tokens, tokenCount: member.tokenCount)
    }
    approached &+= UInt32(truncatingIfNeeded: read)
    return kept
  }

  private func makeRoom(_ count: Int) {
    guard count > room else { return }
    room = count * 3 / 2 + 64
    sums.deallocate()
    sums = .allocate(capacity: room)
    sums.initialize(repeating: 0, count: room)
    touched.deallocate()
    // One more than there are members, because a place is written before it is counted.
    touched = .allocate(capacity: room + 1)
  }
}
