/// A growing run of plain values without reference counts or exclusivity checks, for the hot path.
struct GrowingArray<Element: BitwiseCopyable>: ~Copyable {
  private(set) var start: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 16) {
    self.capacity = capacity
    start = .allocate(capacity: capacity)
  }

  deinit { start.deallocate() }

  var byteCount: Int { capacity * MemoryLayout<Element>.stride }

  @inline(__always)
  subscript(_ index: Int) -> Element {
    get {
      assert(index < count)
      return start[index]
    }
    nonmutating set { start[index] = newValue }
  }

  mutating func append(_ element: Element) {
    reserve(1)
    start[count] = element
    count += 1
  }

  mutating func append(_ elements: UnsafeBufferPointer<Element>) {
    reserve(elements.count)
    for element in elements {
      start[count] = element
      count += 1
    }
  }

  mutating func removeAll() { count = 0 }

  /// Makes room for `amount` more and counts them in, with whatever they hold.
  mutating func extend(_ amount: Int) {
    reserve(amount)
    count += amount
  }

  private mutating func reserve(_ amount: Int) {
    guard count + amount > capacity else { return }
    let larger = max(capacity * 2, count + amount)
    let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
    moved.update(from: start, count: count)
    start.deallocate()
    start = moved
    capacity = larger
  }
}
