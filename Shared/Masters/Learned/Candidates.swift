/// The masters that a row may be, each with what the pair looks like.
///
/// Beside the comparison with the master's nearest name stand the best values over its other names and how it compares
/// with the other candidates of the row: what is second best matters as much as what is best.
package final class Candidates {
  /// Masters of a row, at most.
  package static let most = 20
  private static let namesOfMaster = 3
  /// Of the first masters all near names are compared, of the others the nearest.
  private static let closest = 6
  /// Covered shares (four), rests (four) and the price, over all names of the master; then rank, distances to the best
  /// and to the next, number of near names and of all; then four differences to the best of the others, the rank by
  /// coverage, and how many candidates have the row's size.
  private static let more = 9 + 5 + 6 + 4
  package static let features = PairFeatures.count + more + NamesFeatures.count

  private let search = NameSearch()
  private let pairs = PairFeatures()
  private let together = NamesFeatures()
  private let one = UnsafeMutablePointer<Float>.allocate(capacity: PairFeatures.count)
  /// A row of features for each master, the nearest first.
  package let matrix = UnsafeMutablePointer<Float>.allocate(capacity: most * features)
  package private(set) var count = 0
  private let masters = UnsafeMutablePointer<UInt32>.allocate(capacity: most)
  private let nearness = UnsafeMutablePointer<Float>.allocate(capacity: most)
  private let names = UnsafeMutablePointer<Int>.allocate(capacity: most)
  private let order = UnsafeMutablePointer<UInt64>.allocate(capacity: NameSearch.most)
  private let unordered = UnsafeMutablePointer<NameSearch.Found>.allocate(capacity: NameSearch.most)
  private var keys: [MasterKey] = []
  /// Of the row, its brand included, without numbers.
  package private(set) var words: [UInt64] = []
  private let farthest: Float

  /// - Parameter farthest: masters whose likelihood at a glance, a logarithm, is so much below the best one's are not
  ///   compared.
  package init(farthest: Float = 5) {
    self.farthest = farthest
    matrix.initialize(repeating: 0, count: Self.most * Self.features)
    keys.reserveCapacity(Self.most)
  }

  deinit {
    one.deallocate()
    matrix.deallocate()
    masters.deallocate()
    nearness.deallocate()
    names.deallocate()
    order.deallocate()
    unordered.deallocate()
  }

  package func key(_ place: Int) -> MasterKey { keys[place] }

  /// Looks the row's candidates up.
  package func find(_ text: ProductText, _ facts: RowFacts, in view: MasterIndex.View) {
    guard let index = view.store.names else { return count = 0 }
    let found = search.search(text, in: index)
    pairs.set(text, facts, index)
    pairs.glance(found, index)
    order(found, index)
    count = 0
    keys.removeAll(keepingCapacity: true)
    words.removeAll(keepingCapacity: true)
    for place in 0..<pairs.rowCount where !pairs.row[place].traits.contains(.number) {
      words.append(pairs.row[place].hash)
    }
    for item in found {
      let master = view.store.representative(index.names[Int(item.name)].master)
      var place = 0
      while place < count, masters[place] != master { place += 1 }
      if place == count {
        guard count < Self.most, count == 0 || item.likelihood >= nearness[0] - farthest else { continue }
        add(item, master, index)
      } else {
        names[place] += 1
        guard place < Self.closest, names[place] <= Self.namesOfMaster else { continue }
        pairs.compare(item, index, one)
        improve(matrix + place * Self.features + PairFeatures.count)
      }
    }
    for place in 0..<count { keys.append(view.store.entries[Int(masters[place])].key) }
    compareTogether(found, index, view.store)
    relate(index, view.store)
  }

  private func compareTogether(
    _ found: UnsafeMutableBufferPointer<NameSearch.Found>, _ index: NameIndex, _ store: MasterStore
  ) {
    for place in 0..<count {
      let target = matrix + place * Self.features + PairFeatures.count + Self.more
      let own = store.entries[Int(masters[place])]
      guard store.decisions.hasMerges else {
        together.compare(pairs, CollectionOfOne(own.firstName), index, target)
        continue
      }
      let near = Set(found.map { index.names[Int($0.name)].master })
      let merged = near.filter { store.representative($0) == masters[place] }
        .map { store.entries[Int($0)] }.filter { $0.key != own.key }.sorted { $0.key < $1.key }
      together.compare(pairs, [own.firstName] + merged.map(\.firstName), index, target)
    }
  }

  /// The likeliest first. Sorts numbers that begin with the likelihood's bits and end with the place.
  private func order(_ found: UnsafeMutableBufferPointer<NameSearch.Found>, _ index: NameIndex) {
    for (place, item) in found.enumerated() {
      unordered[place] = item
      let bits = (item.likelihood + 0).bitPattern
      let descending = bits >> 31 == 0 ? ~(bits | 1 << 31) : bits
      order[place] = UInt64(descending) << 32 | UInt64(place)
    }
    var keys = UnsafeMutableBufferPointer(start: order, count: found.count)
    keys.sort()
    for place in found.indices { found[place] = unordered[Int(truncatingIfNeeded: order[place] & 0xFFFF_FFFF)] }
    // Equal ones are ordered by what the names are, not by when they came.
    for place in found.indices.dropFirst() {
      var place = place
      while place > 0, found[place - 1].likelihood == found[place].likelihood,
        isBefore(found[place].name, found[place - 1].name, index)
      {
        found.swapAt(place - 1, place)
        place -= 1
      }
    }
  }

  private func isBefore(_ one: UInt32, _ other: UInt32, _ index: NameIndex) -> Bool {
    let (mine, theirs) = (index.names[Int(one)].order, index.names[Int(other)].order)
    return mine != theirs ? mine < theirs : one < other
  }

  private func add(_ item: NameSearch.Found, _ master: UInt32, _ index: NameIndex) {
    masters[count] = master
    nearness[count] = item.likelihood
    names[count] = 1
    let row = matrix + count * Self.features
    pairs.compare(item, index, row)
    let more = row + PairFeatures.count
    for (place, feature) in Self.highest.enumerated() { more[place] = row[feature] }
    for (place, feature) in Self.lowest.enumerated() { more[Self.highest.count + place] = row[feature] }
    count += 1
  }

  private static let highest = [PairFeature.rowCovered, .nameCovered, .rowEqual, .nameEqual].map(\.rawValue)
  private static let lowest = [
    PairFeature.rowRest, .nameRest, .rowSurprise, .nameSurprise, .priceDistance,
  ].map(\.rawValue)

  private func improve(_ more: UnsafeMutablePointer<Float>) {
    for (place, feature) in Self.highest.enumerated() { more[place] = max(more[place], one[feature]) }
    for (place, feature) in Self.lowest.enumerated() {
      let place = Self.highest.count + place
      more[place] = min(more[place], one[feature])
    }
  }

  /// How each candidate compares with the others.
  private func relate(_ index: NameIndex, _ store: MasterStore) {
    let first = PairFeatures.count + Self.highest.count + Self.lowest.count
    var sameSize: Float = 0
    for place in 0..<count {
      let row = matrix + place * Self.features
      if row[PairFeature.size.rawValue] == 1 { sameSize += 1 }
      row[first] = Float(place)
      row[first + 1] = nearness[0] - nearness[place]
      let other = place > 0 ? nearness[0] : count > 1 ? nearness[1] : 0
      row[first + 2] = nearness[place] - other
      row[first + 3] = Float(names[place])
      row[first + 4] = Float(index.count(from: store.entries[Int(masters[place])].firstName))
    }
    let (covered, nameCovered) = (PairFeature.rowCovered.rawValue, PairFeature.nameCovered.rawValue)
    against(first + 5) { $0[covered] }
    against(first + 6) { $0[nameCovered] }
    against(first + 7) { $0[PairFeature.shared.rawValue] }
    against(first + 8) { $0[covered] + $0[nameCovered] }
    let together = PairFeatures.count + Self.more
    func of(_ feature: NamesFeature) -> Int { together + feature.rawValue }
    against(first + 11) { $0[of(.coveredOnAverage)] }
    against(first + 12) { 20 - $0[of(.missingSurprise)] }
    against(first + 13) { $0[of(.covered)] + $0[of(.namesCovered)] }
    against(first + 14) { 20 - $0[of(.missingOfMaker)] - $0[of(.restOfMaker)] }
    for place in 0..<count {
      let row = matrix + place * Self.features
      let sum = row[covered] + row[nameCovered]
      var better: Float = 0
      for other in 0..<count where other != place {
        let row = matrix + other * Self.features
        let theirs = row[covered] + row[nameCovered]
        if theirs > sum || (theirs == sum && other < place) { better += 1 }
      }
      row[first + 9] = better
      row[first + 10] = sameSize
    }
  }

  /// A value of each candidate less the best of the others'.
  private func against(_ target: Int, _ value: (UnsafeMutablePointer<Float>) -> Float) {
    var (best, second, bestPlace): (Float, Float, Int) = (0, 0, 0)
    for place in 0..<count {
      let value = value(matrix + place * Self.features)
      if value > best {
        (second, best, bestPlace) = (best, value, place)
      } else {
        second = max(second, value)
      }
    }
    for place in 0..<count {
      let row = matrix + place * Self.features
      row[target] = value(row) - (place == bestPlace ? second : best)
    }
  }
}
