import Catalogue
import Core
import Feeds
import Kafka
import Logging
import Messages
import Pipeline

/// A sink that computes: prints and chain pages in, events and states out.
///
/// Both inputs have the underlying as key and as many partitions, and a process owns the same partitions of both.
/// Events are acknowledged before the states that say they were published, states before the offsets are committed:
/// what is read again is either computed again from the state before it, to the same records, or is known to the state.
package final class FlowSink: Sink {
  private let settings: Settings
  private let conditions: ConditionTable
  private let calendar: NYSECalendar
  private let identity: ServiceIdentity
  private let source: any StateSource
  private let output: any SinkOutput
  private let logger: Logger
  private let metrics = FlowMetrics()
  private var partitions: [Int32: [Name: FlowBook]] = [:]
  private var changed: [Int32: Set<Name>] = [:]
  private var pending = SinkLoad()
  private var unknownConditions: Set<String> = []
  private var lastDay: (number: Int64, text: String) = (-1, "")

  private struct Name: Hashable {
    var feed, underlying: String
  }

  package struct Settings: Sendable {
    package var group: String
    package var rules = FlowRules()
    /// Those whose records count; all when empty.
    package var feeds: Set<String> = []
    package var maxAhead: Duration = .seconds(60)
    package var maxUnderlyings = 10_000
  }

  /// - Throws: a configuration `Failure` without the zone of New York.
  package init(
    _ settings: Settings, _ conditions: ConditionTable, identity: ServiceIdentity, source: any StateSource,
    output: any SinkOutput, logger: Logger
  ) throws(Failure) {
    (self.settings, self.conditions, calendar) = (settings, conditions, try NYSECalendar())
    (self.identity, self.source, self.output, self.logger) = (identity, source, output, logger)
  }

  /// Reads the states of the partitions. Reading resumes at the group's committed offsets.
  package func start(_ partitions: Set<TopicPartition>) async throws -> [TopicPartition: Int64] {
    let topics = Dictionary(grouping: partitions, by: \.partition)
    guard topics.values.allSatisfy({ $0.count == 2 }) else {
      throw Failure(
        .configuration, code: "not_co_partitioned",
        "a partition of \(Topics.optionTrades.name) came without the same one of \(Topics.optionChains.name): both "
          + "topics need the same number of partitions, and every member of the group this program")
    }
    let begin = ContinuousClock.now
    let states = try await source.states(Set(topics.keys))
    for partition in topics.keys {
      var books: [Name: FlowBook] = [:]
      for state in states[partition] ?? [] {
        let name = Name(feed: state.feed, underlying: state.symbol)
        var book = books[name] ?? FlowBook(feed: state.feed, underlying: state.symbol)
        do throws(DecodingFailure) {
          try book.restore(state.part, state.bytes ?? [])
          books[name] = book
        } catch {
          metrics.unreadableState()
        }
      }
      self.partitions[partition] = books
    }
    metrics.restored(in: .now - begin)
    noteBooks()
    return [:]
  }

  package func append(_ record: borrowing RecordBatch.Record) throws -> Disposition {
    if record.isTombstone { return .skip(reason: "tombstone") }
    return append(record.value, of: record.topicPartition)
  }

  /// Takes one record in.
  package func append(_ value: RawSpan, of partition: TopicPartition) -> Disposition {
    do throws(DecodingFailure) {
      return partition.topic == Topics.optionChains.name
        ? take(try OptionChain(decoding: value), value.byteCount, partition.partition)
        : take(try OptionTrade(decoding: value), value.byteCount, partition.partition)
    } catch {
      return .reject(Rejection(code: error.code, stage: "decode", error.description))
    }
  }

  private func take(_ trade: OptionTrade, _ bytes: Int, _ partition: Int32) -> Disposition {
    guard isWanted(trade.feed) else { return .skip(reason: "other_feed") }
    guard SymbolNames.isOption(trade.contract), (1...64).contains(trade.underlying.utf8.count) else {
      return refuse("bad_value", "'contract' is no name of OCC, or 'underlying' is not 1 to 64 bytes")
    }
    guard trade.eventNs - trade.knownNs <= settings.maxAhead.nanoseconds else {
      return refuse("future_stamp", "it happened later than it was known, by more than --max-ahead")
    }
    guard isKnown(trade.feed, trade.underlying, partition) else { return tooMany }
    let (kind, unknown) = conditions.read(trade.conditions)
    if !unknown.isEmpty {
      metrics.unknown(unknown.count)
      for code in unknown where unknownConditions.insert(code).inserted {
        logger.warning("a condition is in no table: its prints are left out", metadata: ["condition": "\(code)"])
      }
    }
    let (day, rules) = (day(of: trade.eventNs), settings.rules)
    switch with(trade.feed, trade.underlying, partition, { $0.take(trade, kind, day: day, rules) }) {
    case .taken, .cancelled:
      note(trade.feed, trade.underlying, bytes, partition)
      return .keep
    case .repeated: return .skip(reason: "repeated")
    case .excluded: return .skip(reason: "excluded")
    case .cancelledNothing: return .skip(reason: "cancels_nothing")
    }
  }

  private func take(_ page: OptionChain, _ bytes: Int, _ partition: Int32) -> Disposition {
    guard isWanted(page.feed) else { return .skip(reason: "other_feed") }
    guard (1...64).contains(page.underlying.utf8.count), CivilDate(page.day) != nil, page.of > 0,
      (0..<page.of).contains(page.page), page.contracts.allSatisfy({ SymbolNames.isOption($0.contract) })
    else {
      return refuse("bad_value", "'underlying', 'day', 'page' or the name of a contract is none")
    }
    guard isKnown(page.feed, page.underlying, partition) else { return tooMany }
    let rules = settings.rules
    switch with(page.feed, page.underlying, partition, { $0.take(page, rules) }) {
    case .tooOld: return .skip(reason: "too_old")
    case .taken: break
    case .completed(let gone): metrics.gone(gone)
    }
    note(page.feed, page.underlying, bytes, partition)
    return .keep
  }

  private func isWanted(_ feed: String) -> Bool { settings.feeds.isEmpty || settings.feeds.contains(feed) }

  private func isKnown(_ feed: String, _ underlying: String, _ partition: Int32) -> Bool {
    partitions[partition]?[Name(feed: feed, underlying: underlying)] != nil
      || partitions.values.reduce(0) { $0 + $1.count } < settings.maxUnderlyings
  }

  private var tooMany: Disposition {
    refuse("too_many_symbols", "there are \(settings.maxUnderlyings) underlyings already: --max-underlyings")
  }

  private func refuse(_ code: String, _ reason: String) -> Disposition {
    .reject(Rejection(code: code, stage: "check", reason))
  }

  private func with<Result>(
    _ feed: String, _ underlying: String, _ partition: Int32, _ body: (inout FlowBook) -> Result
  ) -> Result {
    body(&partitions[partition, default: [:]][
      Name(feed: feed, underlying: underlying), default: FlowBook(feed: feed, underlying: underlying)])
  }

  private func note(_ feed: String, _ underlying: String, _ bytes: Int, _ partition: Int32) {
    changed[partition, default: []].insert(Name(feed: feed, underlying: underlying))
    pending.rows += 1
    pending.bytes += bytes
  }

  /// The date in New York.
  private func day(of nanoseconds: Int64) -> String {
    let day = calendar.day(of: nanoseconds / 1_000_000_000)
    if day != lastDay.number { lastDay = (day, CivilDate(daysSinceEpoch: day).description) }
    return lastDay.text
  }

  package var load: SinkLoad { pending }

  package func flush(to positions: [TopicPartition: Int64]) async throws -> FlushReport {
    var events: [OptionsFlow] = []
    var (flow, states) = (OutgoingBatch(), OutgoingBatch())
    var writer = JSONWriter()
    let headers = identity.headers(schema: OptionsFlow.topic.schema)
    let stateHeaders = identity.headers(schema: Topics.flowStates.schema)
    var unverified = 0
    for (partition, names) in changed {
      for name in names.sorted(by: { ($0.feed, $0.underlying) < ($1.feed, $1.underlying) }) {
        guard let book = partitions[partition]?[name] else { continue }
        unverified += book.unverified
        // Of an event only the last revision.
        for event in book.changedEvents.compactMap({ book.events[$0] }) {
          writer.clear()
          event.encode(into: &writer)
          flow.append(topic: OptionsFlow.topic.name, key: event.key, value: writer.bytes, headers: headers)
          events.append(event)
        }
        for part in (book.isLiveChanged ? [nil] : []) + book.changedExpiries.sorted().map(Optional.some) {
          let bytes = book.encoded(part)
          let state = SymbolState(
            group: settings.group, feed: name.feed, symbol: name.underlying, part: part, bytes: bytes ?? [])
          states.append(
            state, to: Topics.flowStates, isGone: bytes == nil, headers: stateHeaders, writer: &writer)
        }
      }
    }
    try await output.send([flow, states], for: positions)
    metrics.published(events)
    metrics.unverified(unverified)
    for (partition, names) in changed {
      for name in names { partitions[partition]?[name]?.settle() }
    }
    changed = [:]
    pending = SinkLoad()
    noteBooks()
    return FlushReport(durable: positions, rows: events.count)
  }

  package func drop(_ partitions: Set<TopicPartition>) {
    for partition in partitions {
      self.partitions[partition.partition] = nil
      changed[partition.partition] = nil
    }
    if changed.isEmpty { pending = SinkLoad() }
    noteBooks()
  }

  private func noteBooks() { metrics.knows(partitions.values.reduce(0) { $0 + $1.count }) }
}
