/// Finds the masters whose n-gram vectors are nearest to a product's: exact up to its stated bounds, no graph walk.
///
/// The lists of the product's n-grams on its shelf are added up from the shortest to the longest. Once the lists left
/// weigh too little for a newcomer to be worth comparing, and enough entries were seen, the rest is not read. All of it
/// depends on counts only, so the same set of masters gives the same answer, in whatever order they came.
final class NearestNames {
  /// Masters that are compared word by word, at most.
  static let candidates = 64
  /// A master that only lists without this share of the weight could add, in percent, is not worth comparing.
  private static let leastShare: Int32 = 45
  /// Nor one with less than this of the most that any has, in percent.
  private static let leastOfMost: Int32 = 60
  /// Entries read before the first rule may end the reading.
  private static let leastEntries = 1_500

  private struct Line: BitwiseCopyable {
    var start: UnsafePointer<UInt32>
    var count: UInt32
    var gram: UInt32
    var weight: Int32
  }

  private let grams = Grams()
  private let lines = UnsafeMutablePointer<Line>.allocate(capacity: Grams.capacity)
  private var sums = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
  private var room = 0
  private var touched = GrowingArray<UInt32>(capacity: 1 << 10)
  private let levels = UnsafeMutablePointer<Int32>.allocate(capacity: 101)
  /// Numbers of masters, in no order.
  private(set) var found = GrowingArray<UInt32>(capacity: NearestNames.candidates)

  deinit {
    lines.deallocate()
    sums.deallocate()
    levels.deallocate()
  }

  /// Fills `found`.
  func search(_ text: ProductText, in store: MasterStore) {
    found.removeAll()
    guard let shelf = store.shelf(text.size), shelf.count > 0 else { return }
    makeRoom(store.largestShelf)
    grams.set(text)
    let (lineCount, total) = collectLines(shelf, store)
    guard lineCount > 0 else { return }
    let touchedCount = addUp(lineCount, total)
    choose(touchedCount, UnsafePointer(shelf.members.start), store)
    for index in 0..<touchedCount { sums[Int(touched.start[index])] = 0 }
  }

  private func collectLines(_ shelf: Shelf, _ store: MasterStore) -> (count: Int, total: Int32) {
    var count = 0
    var total: Int32 = 0
    for index in 0..<grams.count {
      let gram = grams.hashes[index]
      guard let list = store.list(shelf, gram) else { continue }
      let weight = 8 + Logarithm.eighths(UInt32(shelf.count) + 1, over: UInt32(list.count))
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

  private func addUp(_ lineCount: Int, _ total: Int32) -> Int {
    var touchedCount = 0
    var rest = total
    var entries = 0
    let (touched, sums) = (touched.start, sums)
    for index in 0..<lineCount {
      let line = lines[index]
      if entries >= Self.leastEntries, rest * 100 < total * Self.leastShare { break }
      for position in 0..<Int(line.count) {
        let place = line.start[position]
        let sum = sums[Int(place)]
        // Always written, counted only for a newcomer: there is no branch to mispredict.
        touched[touchedCount] = place
        touchedCount &+= sum == 0 ? 1 : 0
        sums[Int(place)] = sum &+ line.weight
      }
      rest -= line.weight
      entries += Int(line.count)
    }
    return touchedCount
  }

  /// Takes the best levels (percent of the most that any has) that fit together.
  private func choose(_ touchedCount: Int, _ members: UnsafePointer<Shelf.Member>, _ store: MasterStore) {
    let (touched, sums) = (touched.start, sums)
    var most: Int32 = 1
    for index in 0..<touchedCount { most = max(most, sums[Int(touched[index])]) }
    let floor = most * Self.leastOfMost / 100
    levels.update(repeating: 0, count: 101)
    var passed = 0
    for index in 0..<touchedCount {
      let sum = sums[Int(touched[index])]
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
    for index in 0..<passed {
      let place = Int(touched[index])
      if Int(sums[place] * 100 / most) >= level { found.append(members[place].master) }
    }
    if found.count > Self.candidates { keepSmallest(store) }
  }

  /// Of very many that are equally near, those with the smallest keys.
  private func keepSmallest(_ store: MasterStore) {
    let all = (0..<found.count).map { found[$0] }
    found.removeAll()
    for master in all.sorted(by: { store.entries[Int($0)].key < store.entries[Int($1)].key }).prefix(Self.candidates) {
      found.append(master)
    }
  }

  private func makeRoom(_ count: Int) {
    guard count > room else { return }
    room = count * 3 / 2 + 64
    sums.deallocate()
    sums = .allocate(capacity: room)
    sums.initialize(repeating: 0, count: room)
    // One more than there are members, because a place is written before it is counted.
    if touched.count <= room { touched.extend(room + 1 - touched.count) }
  }
}
