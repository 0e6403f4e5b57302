/// Finds the names whose n-grams are nearest to a row's: the share of the row's n-grams that a name has, weighed by the
/// square of their rarity, times the root of the ratio of their numbers; an equal size counts as a sixth of the row.
///
/// Lists are added up from the shortest to the longest. Once those left weigh little and enough entries were seen, the
/// rest is not read.
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

  private struct Line: BitwiseCopyable {
    var start: UnsafePointer<UInt32>
    var count: Int
    var weight: Float
    var key: UInt64
  }
  private let grams = Grams()
  private let lines = UnsafeMutablePointer<Line>.allocate(capacity: Grams.capacity + 1)
  private var sums = UnsafeMutablePointer<Float>.allocate(capacity: 1)
  private var touched = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
  private var scores = UnsafeMutablePointer<Float>.allocate(capacity: 1)
  private var room = 0
  private let levels = UnsafeMutablePointer<Int32>.allocate(capacity: 256)
  private let found = UnsafeMutablePointer<Found>.allocate(capacity: NameSearch.most)

  deinit {
    lines.deallocate()
    sums.deallocate()
    touched.deallocate()
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
    let touchedCount = addUp(lineCount, total + sizeWeight)
    let count = choose(touchedCount, Float(grams.count).squareRoot() / total, index)
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

  private func addUp(_ lineCount: Int, _ total: Float) -> Int {
    let (touched, sums) = (touched, sums)
    var touchedCount = 0
    var (rest, entries) = (total, 0)
    for index in 0..<lineCount {
      let line = lines[index]
      if entries >= Self.leastEntries, rest < total * Self.leastShare { break }
      for position in 0..<line.count {
        let name = Int(line.start[position])
        let sum = sums[name]
        touched[touchedCount] = UInt32(truncatingIfNeeded: name)
        touchedCount &+= sum == 0 ? 1 : 0
        sums[name] = sum + line.weight
      }
      rest -= line.weight
      entries += line.count
    }
    return touchedCount
  }

  /// Takes the nearest of the touched names, and clears the sums.
  private func choose(_ touchedCount: Int, _ factor: Float, _ index: NameIndex) -> Int {
    let (touched, sums, scores) = (touched, sums, scores)
    let scales = UnsafePointer(index.scales.start)
    var (best, nearCount): (Float, Int) = (1e-9, 0)
    for place in 0..<touchedCount {
      let name = touched[place]
      let score = sums[Int(name)] * scales[Int(name)]
      sums[Int(name)] = 0
      best = max(best, score)
      // Written before it is counted; places read are never behind places written.
      touched[nearCount] = name
      scores[nearCount] = score
      nearCount &+= score >= best * Self.farthest ? 1 : 0
    }
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
      let next = Found(name: touched[place], score: scores[place])
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
    sums.deallocate()
    sums = .allocate(capacity: room)
    sums.initialize(repeating: 0, count: room)
    touched.deallocate()
    // One more than there are names, because a place is written before it is counted.
    touched = .allocate(capacity: room + 1)
    scores.deallocate()
    scores = .allocate(capacity: room + 1)
  }
}
