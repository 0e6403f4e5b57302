import Core

/// What is computed of every symbol: the same for all.
package final class SignalPlan: Sendable {
  package let set: IndicatorSet
  package let intervals: [BarInterval]
  package let hours: NYSECalendar.Hours
  package let calendar: NYSECalendar
  /// A minute can be revised as long as fewer than this many later ones are known.
  package let revisable: Int
  /// Minutes that are kept: those that can be revised, and the rest of their longest bar.
  let minutes: Int

  /// - Throws: `Failure(.configuration)` for an interval that is there twice, or none.
  package init(
    _ set: IndicatorSet, intervals: [BarInterval], hours: NYSECalendar.Hours, calendar: NYSECalendar, revisable: Int
  ) throws(Failure) {
    guard !intervals.isEmpty, Set(intervals.map(\.description)).count == intervals.count else {
      throw Failure(.configuration, code: "invalid_interval", "name at least one interval, and each once")
    }
    self.set = set
    self.intervals = intervals
    self.hours = hours
    self.calendar = calendar
    self.revisable = revisable
    minutes = revisable + (intervals.map { $0.minutes(hours) }.max() ?? 1)
  }

  package var clock: SessionClock { SessionClock(calendar, hours) }
}

/// The minutes of one symbol, and the series that are made of them.
///
/// What comes out depends on the minutes alone: in whatever order they come, as long as none is later than `revisable`
/// others allow, the values are those of one pass over the final minutes. A bar of a longer interval is complete, and
/// enters its series, when its last minute or a later one is known; a revised minute then revises it.
package struct SymbolSeries: Sendable {
  package let plan: SignalPlan
  private var minutes = BarColumns()
  /// When each minute was known, nanoseconds since 1970.
  private var known: [Int64] = []
  private(set) package var series: [IndicatorSeries]
  /// False when a state that was read had been made with other indicators, rules or hours.
  private(set) package var isContinued = true

  package init(_ plan: SignalPlan) {
    self.plan = plan
    series = plan.intervals.map { _ in IndicatorSeries(plan.set, revisable: plan.revisable) }
  }

  package enum Outcome: Hashable, Sendable {
    case appended, revised
    /// Known already, or an earlier version of what is known.
    case unchanged
    case tooOld
    case outsideHours
  }

  /// Takes in a minute: a new one, a late one, or a later version of a known one.
  ///
  /// - Parameters:
  ///   - minute: begins at a whole minute.
  ///   - knownNs: of two versions of a minute the later known one counts, of two known at once the later one here.
  ///   - report: is told of every bar whose values are new: the index of the interval, and the row.
  package mutating func take(
    _ minute: IndicatorBar, knownNs: Int64, _ clock: inout SessionClock, _ report: (Int, SignalRow) -> Void
  ) -> Outcome {
    guard let session = clock.session(of: minute.start) else { return .outsideHours }
    guard let newest = minutes.starts.last else {
      return append(minute, knownNs, session, before: nil, report)
    }
    if minute.start > newest {
      // Of another session only at the begin of one.
      let before = newest >= session.open ? session : clock.session(of: newest)
      return append(minute, knownNs, session, before: before, report)
    }
    let index = minutes.place(of: minute.start)
    if minutes.starts[index] == minute.start {
      if known[index] > knownNs { return .unchanged }
      if minutes.holds(minute, at: index) { return .unchanged }
      guard minutes.count - index <= plan.revisable else { return .tooOld }
      known[index] = knownNs
      minutes.set(minute, at: index)
    } else {
      guard minutes.count - index < plan.revisable else { return .tooOld }
      minutes.insert(minute, session.day, at: index)
      known.insert(knownNs, at: index)
    }
    revise(minute, newest: minutes.starts[minutes.count - 1], session, report)
    trim()
    return .revised
  }

  private mutating func append(
    _ minute: IndicatorBar, _ knownNs: Int64, _ session: SessionClock.Session, before: SessionClock.Session?,
    _ report: (Int, SignalRow) -> Void
  ) -> Outcome {
    let newest = minutes.starts.last
    for index in series.indices {
      // The bar before, whose last minutes had no trade.
      guard let newest, let before else { break }
      let interval = plan.intervals[index]
      let span = interval.span(of: newest, in: before)
      guard minute.start >= span.end, newest + BarInterval.minute < span.end else { continue }
      complete(span, before.day, index, report)
    }
    minutes.append(minute, session.day)
    known.append(knownNs)
    for index in series.indices {
      let span = plan.intervals[index].span(of: minute.start, in: session)
      if minute.start + BarInterval.minute >= span.end { complete(span, session.day, index, report) }
    }
    trim()
    return .appended
  }

  private mutating func revise(
    _ minute: IndicatorBar, newest: Int64, _ session: SessionClock.Session, _ report: (Int, SignalRow) -> Void
  ) {
    for index in series.indices {
      let span = plan.intervals[index].span(of: minute.start, in: session)
      if newest + BarInterval.minute >= span.end { complete(span, session.day, index, report) }
    }
  }

  /// Makes the bar from its minutes.
  private mutating func complete(_ span: BarSpan, _ day: Int64, _ index: Int, _ report: (Int, SignalRow) -> Void) {
    let first = minutes.place(of: span.start)
    var bar = minutes[first]
    bar.start = span.name
    var next = first + 1
    while next < minutes.count, minutes.starts[next] < span.end {
      bar.add(minutes[next])
      next += 1
    }
    series[index].take(bar, session: day) { report(index, $0) }
  }

  private mutating func trim() {
    let surplus = minutes.count - plan.minutes
    guard surplus >= 256 else { return }
    minutes.removeFirst(surplus)
    known.removeFirst(surplus)
  }

  // MARK: - state

  private static let version: Int64 = 1

  /// All that has to be known to go on: equal states give equal bytes.
  package func encoded() -> [UInt8] {
    var writer = StateWriter()
    writer.integer(Self.version)
    writer.text(plan.set.text)
    writer.text(plan.hours.rawValue)
    writer.integer(Int64(plan.revisable))
    writer.integer(Int64(plan.set.registers))
    let first = max(0, minutes.count - plan.minutes)
    minutes.encode(from: first, into: &writer)
    var before: Int64 = 0
    for stamp in known[first...] {
      writer.integer(stamp - before)
      before = stamp
    }
    writer.integer(Int64(series.count))
    for (interval, series) in zip(plan.intervals, series) {
      writer.text(interval.description)
      series.encode(into: &writer)
    }
    return writer.bytes
  }

  /// - Parameter plan: what is computed now. Series whose indicators, rules or hours have changed begin anew with the
  ///   bars of the state, new intervals without.
  /// - Throws: ``StateError`` for what is damaged, or written by a later version.
  package init(_ plan: SignalPlan, decoding bytes: [UInt8]) throws(StateError) {
    self.init(plan)
    var reader = StateReader(bytes)
    let version = try reader.integer()
    guard version == Self.version else { throw StateError("version \(version) is not known here") }
    let isSameSet = try reader.text() == plan.set.text
    isContinued = try reader.text() == plan.hours.rawValue
    // Minutes of other hours make other bars.
    guard isContinued else { return }
    isContinued = try reader.integer() == Int64(plan.revisable) && isSameSet
    reader.registers = try reader.count()
    try reader.expect(reader.registers)
    minutes = try BarColumns(from: &reader)
    var before: Int64 = 0
    for _ in 0..<minutes.count {
      before &+= try reader.integer()
      known.append(before)
    }
    for _ in 0..<(try reader.count()) {
      let name = try reader.text()
      let read = try IndicatorSeries(plan.set, revisable: plan.revisable, isSame: isContinued, from: &reader)
      if let index = plan.intervals.firstIndex(where: { $0.description == name }) { series[index] = read }
    }
    guard reader.isAtEnd else { throw StateError("bytes are left over") }
    trim()
  }
}
