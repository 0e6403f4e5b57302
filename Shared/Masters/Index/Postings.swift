/// Which names have an n-gram or size: a hash table from it to lists of numbers in ascending order.
///
/// A list of one lies in its slot; longer ones lie in a common run of memory, in rooms of a power of two, and what a
/// list leaves behind when it grows is given to the next one of that size.
struct Postings: ~Copyable {
  struct List {
    let start: UnsafePointer<UInt32>
    let count: Int
  }
  private struct Slot: BitwiseCopyable {
    /// Of the n-gram or size; 0 is a free slot.
    var key: UInt64
    /// The one number, or where the numbers lie in `rooms`.
    var place: UInt32
    var count: UInt32
  }
  private var slots: UnsafeMutablePointer<Slot>
  private var mask: Int
  private var used = 0
  private var rooms = GrowingArray<UInt32>(capacity: 1 << 12)
  /// The first vacant room of each size; a vacant room holds the place of the next.
  private var vacant = [UInt32](repeating: .max, count: 32)

  init() {
    mask = (1 << 12) - 1
    slots = .allocate(capacity: mask + 1)
    slots.initialize(repeating: Slot(key: 0, place: 0, count: 0), count: mask + 1)
  }

  deinit { slots.deallocate() }

  var byteCount: Int { (mask + 1) * MemoryLayout<Slot>.stride + rooms.byteCount }

  @inline(__always)
  private func find(_ key: UInt64) -> Int {
    var index = Int(truncatingIfNeeded: Token.mix(key)) & mask
    while slots[index].key != key, slots[index].key != 0 { index = (index + 1) & mask }
    return index
  }

  /// The numbers of `key`; valid until the next change.
  @inline(__always)
  func list(_ key: UInt64) -> List? {
    let index = find(key)
    let slot = slots[index]
    guard slot.key != 0, slot.count > 0 else { return nil }
    guard slot.count > 1 else {
      let place = UnsafeRawPointer(slots + index) + MemoryLayout<Slot>.offset(of: \.place)!
      return List(start: place.assumingMemoryBound(to: UInt32.self), count: 1)
    }
    return List(start: UnsafePointer(rooms.start + Int(slot.place)), count: Int(slot.count))
  }

  mutating func add(_ key: UInt64, _ number: UInt32) {
    var index = find(key)
    if slots[index].key == 0 {
      if (used + 1) * 3 > (mask + 1) * 2 {
        grow()
        index = find(key)
      }
      used += 1
      slots[index] = Slot(key: key, place: number, count: 1)
      return
    }
    var slot = slots[index]
    let size = Self.roomSize(slot.count)
    if slot.count == 0 {
      slot.place = number
    } else if slot.count == 1 {
      let room = take(Self.roomSize(2))
      rooms[Int(room)] = slot.place
      slot.place = room
    } else if Self.roomSize(slot.count + 1) != size {
      let room = take(size + 1)
      for offset in 0..<Int(slot.count) { rooms[Int(room) + offset] = rooms[Int(slot.place) + offset] }
      leave(slot.place, size)
      slot.place = room
    }
    if slot.count > 0 { insert(number, Int(slot.place), Int(slot.count)) }
    slot.count += 1
    slots[index] = slot
  }

  /// Numbers mostly come in ascending order; only those of removed names come again.
  private func insert(_ number: UInt32, _ start: Int, _ count: Int) {
    var place = start + count
    while place > start, rooms[place - 1] > number {
      rooms[place] = rooms[place - 1]
      place -= 1
    }
    rooms[place] = number
  }

  mutating func remove(_ key: UInt64, _ number: UInt32) {
    let index = find(key)
    var slot = slots[index]
    guard slot.key != 0, slot.count > 0 else { return }
    if slot.count == 1 {
      if slot.place == number { slots[index].count = 0 }
      return
    }
    let start = Int(slot.place)
    guard let place = (0..<Int(slot.count)).first(where: { rooms[start + $0] == number }) else { return }
    for later in place + 1..<Int(slot.count) { rooms[start + later - 1] = rooms[start + later] }
    let size = Self.roomSize(slot.count)
    slot.count -= 1
    if slot.count == 1 {
      slot.place = rooms[start]
      leave(UInt32(start), size)
    } else if Self.roomSize(slot.count) != size {
      // The size of a room follows from the count of its list, so the numbers move to a smaller one.
      let room = take(size - 1)
      for offset in 0..<Int(slot.count) { rooms[Int(room) + offset] = rooms[start + offset] }
      leave(UInt32(start), size)
      slot.place = room
    }
    slots[index] = slot
  }

  /// The logarithm of the smallest power of two that holds `count`.
  private static func roomSize(_ count: UInt32) -> Int { count <= 1 ? 0 : 32 - (count - 1).leadingZeroBitCount }

  private mutating func take(_ size: Int) -> UInt32 {
    let room = vacant[size]
    if room != .max {
      vacant[size] = rooms[Int(room)]
      return room
    }
    let place = UInt32(rooms.count)
    rooms.extend(1 << size)
    return place
  }

  private mutating func leave(_ place: UInt32, _ size: Int) {
    rooms[Int(place)] = vacant[size]
    vacant[size] = place
  }

  private mutating func grow() {
    let (old, count) = (slots, mask + 1)
    mask = count * 2 - 1
    slots = .allocate(capacity: mask + 1)
    slots.initialize(repeating: Slot(key: 0, place: 0, count: 0), count: mask + 1)
    used = 0
    for index in 0..<count where old[index].key != 0 && old[index].count > 0 {
      slots[find(old[index].key)] = old[index]
      used += 1
    }
    old.deallocate()
  }
}
