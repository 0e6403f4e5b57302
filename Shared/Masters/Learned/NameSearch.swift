/// Finds the names whose n-grams are nearest to a row's: the share of the row's n-grams that a name has, weighed by the
/// square of their rarity, times the root of the ratio of their numbers; an equal size counts as a sixth of the row.
///
/// The longest lists are not read when those left weigh little and enough entries are read. The others are added up for
/// one range of names after the other, so that the sums stay in the processor's nearest cache.
final class NameSearch {
  struct Found: BitwiseCopyable {
    var name: UInt32
    /// Nearness of n-grams.
    var score: Float
    /// By `PairFeatures.glance`.
    var likelihood: Float = 0
  }
  /// Names that are looked at, at most.
  static let most = 176
  /// Names below this share of the nearest one's score are not looked at.
  private static let farthest: Float = 0.25
  private static let lowestLevel = 64
  private static let sizeShare: Float = 0.16
  private static let leastShare: Float = 0.32
  private static let leastEntries = 11_000

  /// Names whose sums are held at once.
  private static let range = 4_096

  private struct Line: BitwiseCopyable {
    var start: UnsafePointer<UInt32>
    var count: Int
    var weight: Float
    var key: UInt64
    /// Entries read.
    var read = 0
  }
  private let grams = Grams()
  private let lines = UnsafeMutablePointer<Line>.allocate(capacity: Grams.capacity + 1)
  /// By name in the range at hand: zero between searches.
  private let sums = UnsafeMutablePointer<Float>.allocate(capacity: NameSearch.range)
  /// The names of the range that are not zero. One more than there are, because a place is written before it counts.
  private let touched = UnsafeMutablePointer<UInt16>.allocate(capacity: NameSearch.range + 1)
  /// The near names of all ranges, with their scores.
  private var near = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
  private var scores = UnsafeMutablePointer<Float>.allocate(capacity: 1)
  private var room = 0
  private let levels = UnsafeMutablePointer<Int32>.allocate(capacity: 256)
  private let found = UnsafeMutablePointer<Found>.allocate(capacity: NameSearch.most)

  init() { sums.initialize(repeating: 0, count: Self.range) }

  deinit {
    lines.deallocate()
    sums.deallocate()
    touched.deallocate()
    near.deallocate()
    scores.deallocate()
    levels.deallocate()
    found.deallocate()
  }

  /// The nearest in any order; valid until the next search.
  func search(_ text: ProductText, in index: NameIndex) -> UnsafeMutableBufferPointer<Found> {
    makeRoom(index.names.count)
    grams.set(text)
    var lineCount = 0
    var total: Float = 0
    for gram in 0..<grams.count {
      let key = UInt64(grams.hashes[gram]) + 1
      let list = index.list(key)
      let rarity = index.rarity(UInt32(list?.count ?? 0))
      total += rarity * rarity
      if let list { put(Line(start: list.start, count: list.count, weight: rarity * rarity, key: key), &lineCount) }
    }
    guard lineCount > 0 else { return .init(start: found, count: 0) }
    let sizeWeight = total * Self.sizeShare
    if let size = text.size {
      let key = NameIndex.key(size: size)
      if let list = index.list(key) {
        put(Line(start: list.start, count: list.count, weight: sizeWeight, key: key), &lineCount)
      }
    }
    let (nearCount, best) = addUp(read(lineCount, total + sizeWeight), index)
    let count = choose(nearCount, best, Float(grams.count).squareRoot() / total, index)
    return .init(start: found, count: count)
  }

  /// From the shortest to the longest; keys break ties, so that the order is always the same.
  private func put(_ line: Line, _ count: inout Int) {
    var place = count
    while place > 0,
      lines[place - 1].count > line.count || (lines[place - 1].count == line.count && lines[place - 1].key > line.key)
    {
      lines[place] = lines[place - 1]
      place -= 1
    }
    lines[place] = line
    count += 1
  }

  /// How many of the lists are read.
  private func read(_ lineCount: Int, _ total: Float) -> Int {
    var (rest, entries) = (total, 0)
    for index in 0..<lineCount {
      if entries >= Self.leastEntries, rest < total * Self.leastShare { return index }
      rest -= lines[index].weight
      entries += lines[index].count
    }
    return lineCount
  }

  /// - Returns: how many names are near, and the score of the nearest.
  private func addUp(_ lineCount: Int, _ index: NameIndex) -> (nearCount: Int, best: Float) {
    let (lines, sums, touched, near, scores) = (lines, sums, touched, near, scores)
    let scales = UnsafePointer(index.scales.start)
    var (best, nearCount): (Float, Int) = (1e-9, 0)
    var least = best * Self.farthest
    var first: UInt32 = 0
    for line in 0..<lineCount { first = line == 0 ? lines[line].start[0] : min(first, lines[line].start[0]) }
    while first != .max {
      let end = first &+ UInt32(Self.range)
      var touchedCount = 0
      var next = UInt32.max
      for line in 0..<lineCount {
        let (start, count, weight) = (lines[line].start, lines[line].count, lines[line].weight)
        var place = lines[line].read
        while place < count, start[place] < end {
          let name = Int(start[place] &- first)
          let sum = sums[name]
          touched[touchedCount] = UInt16(truncatingIfNeeded: name)
          touchedCount &+= sum == 0 ? 1 : 0
          sums[name] = sum + weight
          place &+= 1
        }
        lines[line].read = place
        if place < count { next = min(next, start[place]) }
      }
      for place in 0..<touchedCount {
        let name = Int(touched[place])
        let score = sums[name] * scales[Int(first) &+ name]
        sums[name] = 0
        guard score >= least else { continue }
        if score > best { (best, least) = (score, score * Self.farthest) }
        near[nearCount] = first &+ UInt32(truncatingIfNeeded: name)
        scores[nearCount] = score
        nearCount &+= 1
      }
      first = next
    }
    return (nearCount, best)
  }

  /// Takes the nearest.
  private func choose(_ nearCount: Int, _ best: Float, _ factor: Float, _ index: NameIndex) -> Int {
    let (near, scores) = (near, scores)
    levels.update(repeating: 0, count: 256)
    let step = 255 / best
    for place in 0..<nearCount { levels[Int(scores[place] * step)] += 1 }
    var (level, sum) = (255, Int(levels[255]))
    // What lies lower was kept or not by the order in which it came.
    while level > Self.lowestLevel, sum + Int(levels[level - 1]) <= Self.most {
      level -= 1
      sum += Int(levels[level])
    }
    var count = 0
    for place in 0..<nearCount where Int(scores[place] * step) >= level {
      let next = Found(name: near[place], score: scores[place])
      if sum <= Self.most {
        found[count] = next
        count += 1
      } else {
        put(next, &count, index)
      }
    }
    for place in 0..<count { found[place].score *= factor }
    return count
  }

  /// Keeps the nearest in order: more names are equally near than are looked at.
  private func put(_ next: Found, _ count: inout Int, _ index: NameIndex) {
    var target = min(count, Self.most - 1)
    if count >= Self.most, !isBefore(next, found[target], index) { return }
    while target > 0, isBefore(next, found[target - 1], index) {
      found[target] = found[target - 1]
      target -= 1
    }
    found[target] = next
    count = min(count + 1, Self.most)
  }

  /// Equal scores are ordered by what the names are, not by when they came.
  private func isBefore(_ one: Found, _ other: Found, _ index: NameIndex) -> Bool {
    if one.score != other.score { return one.score > other.score }
    let (mine, theirs) = (index.names[Int(one.name)], index.names[Int(other.name)])
    return mine.order != theirs.order ? mine.order < theirs.order : one.name < other.name
  }

  private func makeRoom(_ count: Int) {
    guard count > room else { return }
    room = count * 3 / 2 + 64
    near.deallocate()
    near = .allocate(capacity: room + 1)
    scores.deallocate()
    scores = .allocate(capacity: room + 1)
  }
}
