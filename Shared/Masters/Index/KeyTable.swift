/// From 64-bit keys to 32-bit values: open addressing, 12 bytes a slot, at most two thirds full.
///
/// A key may be there more than once (`insert` does not look), so that it also serves hashes that may collide: the
/// caller compares what the values stand for.
struct KeyTable: ~Copyable {
  private var keys: UnsafeMutablePointer<UInt64>
  private var values: UnsafeMutablePointer<UInt32>
  private var mask: Int
  /// Slots that were used, removed ones included.
  private var used = 0
  private(set) var count = 0

  private static let free: UInt64 = .max
  private static let removed: UInt64 = .max - 1
  static let slotBytes = 12

  init(capacity: Int = 0) {
    var slots = 64
    while slots * 2 < capacity * 3 { slots *= 2 }
    (keys, values) = Self.allocate(slots)
    mask = slots - 1
  }

  deinit {
    keys.deallocate()
    values.deallocate()
  }

  private static func allocate(_ slots: Int) -> (UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt32>) {
    let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: slots)
    let values = UnsafeMutablePointer<UInt32>.allocate(capacity: slots)
    keys.initialize(repeating: free, count: slots)
    values.initialize(repeating: 0, count: slots)
    return (keys, values)
  }

  var byteCount: Int { (mask + 1) * Self.slotBytes }

  @inline(__always)
  private func slot(_ key: UInt64) -> Int { Int(truncatingIfNeeded: Token.mix(key)) & mask }

  @inline(__always)
  func contains(_ key: UInt64) -> Bool {
    var slot = slot(key)
    while true {
      if keys[slot] == key { return true }
      if keys[slot] == Self.free { return false }
      slot = (slot + 1) & mask
    }
  }

  /// Calls `body` with the values of `key` until it returns true.
  @inline(__always)
  func search(_ key: UInt64, _ body: (UInt32) -> Bool) {
    var slot = slot(key)
    while true {
      if keys[slot] == key, body(values[slot]) { return }
      if keys[slot] == Self.free { return }
      slot = (slot + 1) & mask
    }
  }

  /// - Precondition: the key is not one of the two largest numbers.
  mutating func insert(_ key: UInt64, _ value: UInt32) {
    if (used + 1) * 3 > (mask + 1) * 2 { grow() }
    var slot = slot(key)
    while keys[slot] != Self.free { slot = (slot + 1) & mask }
    keys[slot] = key
    values[slot] = value
    used += 1
    count += 1
  }

  mutating func remove(_ key: UInt64, _ value: UInt32) {
    var slot = slot(key)
    while keys[slot] != Self.free {
      if keys[slot] == key, values[slot] == value {
        keys[slot] = Self.removed
        count -= 1
        return
      }
      slot = (slot + 1) & mask
    }
  }

  private mutating func grow() {
    let (oldKeys, oldValues, oldSlots) = (keys, values, mask + 1)
    let slots = count * 3 >= oldSlots ? oldSlots * 2 : oldSlots
    (keys, values) = Self.allocate(slots)
    mask = slots - 1
    used = 0
    for index in 0..<oldSlots where oldKeys[index] < Self.removed {
      var slot = slot(oldKeys[index])
      while keys[slot] != Self.free { slot = (slot + 1) & mask }
      keys[slot] = oldKeys[index]
      values[slot] = oldValues[index]
      used += 1
    }
    oldKeys.deallocate()
    oldValues.deallocate()
  }
}
