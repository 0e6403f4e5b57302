import Core

/// The bars of one series that may still change, and the values of its indicators.
///
/// Some states on the way are kept (checkpoints), and the bars since the oldest of them. A revised or late bar is put
/// in its place, and everything behind it is computed again from the last checkpoint before it: by the same operations
/// as one pass over the revised series, so to the same bits.
package struct IndicatorSeries: Sendable {
  package let set: IndicatorSet
  /// Of the newest bars at least this many can be revised.
  package let revisable: Int
  /// Bars from checkpoint to checkpoint.
  private let stride: Int
  private(set) var bars = BarColumns()
  /// Bars of the series before those in `bars`.
  private(set) var first = 0
  private(set) var checkpoints: [Checkpoint] = []
  /// The state behind the last bar.
  private var registers: [Double]

  struct Checkpoint: Sendable {
    /// Bars before it.
    var ordinal: Int
    var registers: [Double]
  }

  package enum Change: Hashable, Sendable { case appended, revised, unchanged, tooOld }

  package init(_ set: IndicatorSet, revisable: Int) {
    self.set = set
    self.revisable = revisable
    stride = max(16, revisable / 4)
    registers = set.blank
  }

  /// Bars of the series.
  package var count: Int { first + bars.count }
  /// The values of the last bar.
  package var values: ArraySlice<Double> { registers[..<set.outputs.count] }

  // MARK: - taking in

  /// Takes in a bar behind all others, or one that is late or new in its values.
  /// - Parameter report: is told of every bar whose values are new, in the order of the bars.
  @discardableResult
  package mutating func take(_ bar: IndicatorBar, session: Int64, _ report: (SignalRow) -> Void) -> Change {
    if bars.count == 0 || bar.start > bars.starts[bars.count - 1] {
      append(bar, session, report)
      return .appended
    }
    let index = bars.place(of: bar.start)
    let isKnown = bars.starts[index] == bar.start
    if isKnown, bars.holds(bar, at: index) { return .unchanged }
    guard let oldest = checkpoints.first, first + index >= oldest.ordinal else { return .tooOld }
    if isKnown {
      bars.set(bar, at: index)
    } else {
      bars.insert(bar, session, at: index)
    }
    repeatFrom(index, report)
    return .revised
  }

  private mutating func append(_ bar: IndicatorBar, _ session: Int64, _ report: (SignalRow) -> Void) {
    bars.append(bar, session)
    step(bars.count - 1, report)
    trim()
  }

  /// Computes the bars from the last checkpoint before `index` on.
  private mutating func repeatFrom(_ index: Int, _ report: (SignalRow) -> Void) {
    let place = checkpoints.lastIndex { $0.ordinal <= first + index } ?? 0
    registers = checkpoints[place].registers
    let start = checkpoints[place].ordinal - first
    checkpoints.removeSubrange(place...)
    for current in start..<bars.count { step(current, current < index ? { _ in } : report) }
    trim()
  }

  @inline(__always)
  private mutating func step(_ index: Int, _ report: (SignalRow) -> Void) {
    let ordinal = first + index
    if ordinal % stride == 0 { checkpoints.append(Checkpoint(ordinal: ordinal, registers: registers)) }
    let (set, session, start) = (set, bars.sessions[index], bars.starts[index])
    bars.values.withUnsafeBufferPointer { values in
      registers.withUnsafeMutableBufferPointer { registers in
        guard let row = values.baseAddress.map({ $0 + 4 * index }), let state = registers.baseAddress else { return }
        let fired = set.update(state, row, session: session, ordinal: ordinal)
        report(SignalRow(
          start: start, ordinal: ordinal, bar: UnsafeBufferPointer(start: row, count: 4),
          values: UnsafeBufferPointer(start: state, count: set.outputs.count), fired: fired))
      }
    }
  }

  /// Forgets checkpoints that no revision needs, and, many at once, the bars before them.
  private mutating func trim() {
    while checkpoints.count > 1, checkpoints[1].ordinal <= count - revisable { checkpoints.removeFirst() }
    let surplus = needed - first
    guard surplus >= 256 else { return }
    bars.removeFirst(surplus)
    first += surplus
  }

  /// The ordinal of the first bar that is needed.
  private var needed: Int { max(0, (checkpoints.first?.ordinal ?? 0) - set.history) }

  // MARK: - state

  /// The oldest checkpoint and the bars that are needed: all the rest follows from them. Equal series give equal bytes.
  func encode(into writer: inout StateWriter) {
    let needed = needed
    writer.integer(Int64(needed))
    writer.integer(Int64(checkpoints.first?.ordinal ?? 0))
    let oldest = checkpoints.first?.registers ?? set.blank
    for register in oldest { writer.double(register) }
    bars.encode(from: needed - first, into: &writer)
  }

  /// - Parameter isSame: it was computed with the same indicators and rules; otherwise it begins anew with the bars.
  init(_ set: IndicatorSet, revisable: Int, isSame: Bool, from reader: inout StateReader) throws(StateError) {
    self.init(set, revisable: revisable)
    let needed = try reader.count()
    let ordinal = try reader.count()
    var oldest: [Double] = []
    let registers = reader.registers
    oldest.reserveCapacity(registers)
    for _ in 0..<registers { oldest.append(try reader.double()) }
    bars = try BarColumns(from: &reader)
    guard needed <= ordinal, ordinal <= needed + bars.count, bars.count == 0 || ordinal < needed + bars.count else {
      throw StateError("a checkpoint is outside its bars")
    }
    var start = 0
    if isSame {
      guard oldest.count == set.registers, needed == max(0, ordinal - set.history) else {
        throw StateError("a checkpoint without the bars before it")
      }
      first = needed
      self.registers = oldest
      start = ordinal - needed
    }
    for index in start..<bars.count { step(index) { _ in } }
    trim()
  }
}

/// One bar as indicators see it.
package struct IndicatorBar: Hashable, Sendable {
  /// Seconds since 1970, UTC.
  package var start: Int64
  package var high, low, close, volume: Double

  package init(start: Int64, high: Double, low: Double, close: Double, volume: Double) {
    (self.start, self.high, self.low, self.close, self.volume) = (start, high, low, close, volume)
  }

  /// The bar of both.
  /// - Parameter later: begins behind it.
  mutating func add(_ later: IndicatorBar) {
    (high, low, close) = (max(high, later.high), min(low, later.low), later.close)
    volume += later.volume
  }
}

/// Bars in the order of time, in columns.
struct BarColumns: Sendable, Hashable {
  /// Seconds since 1970, UTC.
  private(set) var starts: [Int64] = []
  /// Of what session each is.
  private(set) var sessions: [Int64] = []
  /// High, low, close and volume of each bar in turn.
  private(set) var values: [Double] = []

  var count: Int { starts.count }

  /// The first bar that does not begin before `start`.
  func place(of start: Int64) -> Int {
    // Nearly always one of the last.
    var index = count
    while index > 0, count - index < 8, starts[index - 1] >= start { index -= 1 }
    guard index > 0, starts[index - 1] >= start else { return index }
    var (low, high) = (0, index)
    while low < high {
      let middle = (low + high) / 2
      if starts[middle] < start { low = middle + 1 } else { high = middle }
    }
    return low
  }

  subscript(_ index: Int) -> IndicatorBar {
    IndicatorBar(
      start: starts[index], high: values[4 * index], low: values[4 * index + 1], close: values[4 * index + 2],
      volume: values[4 * index + 3])
  }

  func holds(_ bar: IndicatorBar, at index: Int) -> Bool { self[index] == bar }

  mutating func append(_ bar: IndicatorBar, _ session: Int64) {
    starts.append(bar.start)
    sessions.append(session)
    values.append(bar.high)
    values.append(bar.low)
    values.append(bar.close)
    values.append(bar.volume)
  }

  mutating func insert(_ bar: IndicatorBar, _ session: Int64, at index: Int) {
    starts.insert(bar.start, at: index)
    sessions.insert(session, at: index)
    values.insert(contentsOf: [bar.high, bar.low, bar.close, bar.volume], at: 4 * index)
  }

  mutating func set(_ bar: IndicatorBar, at index: Int) {
    values[4 * index] = bar.high
    values[4 * index + 1] = bar.low
    values[4 * index + 2] = bar.close
    values[4 * index + 3] = bar.volume
  }

  mutating func removeFirst(_ surplus: Int) {
    starts.removeFirst(surplus)
    sessions.removeFirst(surplus)
    values.removeFirst(4 * surplus)
  }

  // MARK: - state

  func encode(from first: Int, into writer: inout StateWriter) {
    writer.integer(Int64(count - first))
    var (start, session): (Int64, Int64) = (0, 0)
    for index in first..<count {
      writer.integer(starts[index] - start)
      writer.integer(sessions[index] - session)
      (start, session) = (starts[index], sessions[index])
    }
    for column in 0..<4 { writer.column(values, from: 4 * first + column, by: 4) }
  }

  init() {}

  init(from reader: inout StateReader) throws(StateError) {
    let count = try reader.count()
    try reader.expect(count)
    starts.reserveCapacity(count)
    sessions.reserveCapacity(count)
    var (start, session): (Int64, Int64) = (0, 0)
    for index in 0..<count {
      let (next, overflow) = start.addingReportingOverflow(try reader.integer())
      guard !overflow, index == 0 || next > start else { throw StateError("bars are not in the order of time") }
      start = next
      session &+= try reader.integer()
      starts.append(start)
      sessions.append(session)
    }
    values = [Double](repeating: 0, count: 4 * count)
    for column in 0..<4 { try reader.column(&values, from: column, by: 4) }
  }
}
