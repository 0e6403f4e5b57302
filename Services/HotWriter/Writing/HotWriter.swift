import Catalogue
import Core
import Kafka
import Messages
import Redis
import Values

/// Writes what waits of all partitions to Redis, and finds the fate of each sample in the answers.
///
/// Whatever fails, the same flush can be repeated: samples are upserts, bars compare when they were known, hashes
/// compare event times, the tail compares offsets.
struct HotWriter: Sendable {
  /// What waits of a partition.
  typealias Waiting = (partition: TopicPartition, buffer: PartitionBuffer)

  let client: RedisClient
  /// Length of the tail; 0 for none.
  let tail: Int
  /// The stream of the tail.
  static let stream = "stream:raw_market_data"
  static let streamOffsets = "stream:raw_market_data:offsets"

  /// What a flush did.
  struct Outcome: Sendable {
    var written = 0
    /// The server holds them already.
    var equal = 0
    /// Older than their series keeps.
    var outsideRetention = 0
    /// Bars of which the server holds a later state.
    var superseded = 0
    /// A later record of their instant has no value of them.
    var removed = 0
    /// Records that the stream has had.
    var repeated = 0
    /// Refused samples by partition: the first offset, and why.
    var refused: [Int: (offset: Int64, error: RedisError)] = [:]

    mutating func refuse(_ partition: Int, _ offset: Int64, _ error: RedisError) {
      if let known = refused[partition], known.offset <= offset { return }
      refused[partition] = (offset, error)
    }
  }

  /// A sample's place: the partition and the index in its buffer.
  private struct Place {
    var partition: Int32
    var sample: Int32
  }
  enum Command {
    case samples(Range<Int>)
    case removal
    case bars(partition: Int, chunk: Int)
    case last
    case tail(records: Int)
  }
  /// The commands of a flush.
  struct Draft {
    /// Of the scripts, by their places in ``Script``.
    let digests: [[UInt8]]
    var pipeline = RedisPipeline()
    /// Of each command, what it writes.
    var commands: [Command] = []

    /// Begins a run of a script: so many words, of them the keys first, have to follow.
    mutating func run(_ script: Script, keys: Int = 1, words: Int, as command: Command = .last) {
      pipeline.begin(words: 3 + words)
      pipeline.word("EVALSHA")
      pipeline.word(digests[script.rawValue])
      pipeline.number(Int64(keys))
      commands.append(command)
    }
  }
  /// A value that the server holds.
  private struct Point: Hashable {
    var series: Int32
    var stamp: Int64
  }

  /// Samples in one command. More save little, and a reply is one array.
  private static let samplesInCommand = 200

  // MARK: - flush

  /// - Parameters:
  ///   - buffers: by partition, with the names of the partitions.
  ///   - digests: of the scripts, as the server gave them; empty at first.
  /// - Throws: `RedisError` of class `transient` or `configuration`.
  func write(
    _ buffers: [Waiting], _ table: inout SeriesTable, digests: inout [[UInt8]]
  ) async throws -> Outcome {
    var outcome = Outcome()
    try await prepare(buffers, &table)
    var held = try await held(buffers, table)
    if digests.isEmpty { digests = try await load() }
    var draft = Draft(digests: digests)
    let places = encode(buffers, table, &held, to: &draft, &outcome)
    append(bars: buffers, table, to: &draft)
    append(lastValues: buffers, table, to: &draft)
    append(tails: buffers, to: &draft)
    append(gaps: buffers, to: &draft)
    append(features: buffers, table, to: &draft)
    append(texts: buffers, to: &draft)
    guard !draft.pipeline.isEmpty else { return outcome }
    let answers = try await client.run(draft.pipeline)
    if answers.failures.contains(where: { $0.error.code == "redis_noscript" }) {
      // The server was started anew, or its scripts were flushed. What did run may run again.
      digests = []
      throw RedisError(
        code: "redis_noscript", .transient, operation: "EVALSHA", message: "the server has lost the scripts")
    }
    let lost = try judge(answers, draft.commands, places, buffers, &table, &outcome)
    guard lost.isEmpty else {
      for series in lost { table[Int(series)].isReady = false }
      throw RedisError(
        code: "redis_series_lost", .transient, operation: "TS.MADD",
        message: "\(lost.count) series are gone from the server, and are made again")
    }
    for integer in answers.integers {
      switch draft.commands[integer.command] {
      case .tail(let records): outcome.repeated += records - Int(integer.value)
      case .bars:
        var rest = Int(integer.value)
        for count in [\Outcome.written, \.equal, \.superseded, \.outsideRetention, \.removed] {
          outcome[keyPath: count] += rest % 1_000
          rest /= 1_000
        }
      case .removal: outcome.removed += Int(integer.value)
      case .samples, .last: break
      }
    }
    return outcome
  }

  /// - Returns: series that the server does not have any more.
  private func judge(
    _ answers: PipelineAnswers, _ commands: [Command], _ places: [Place], _ buffers: [Waiting],
    _ table: inout SeriesTable, _ outcome: inout Outcome
  ) throws(RedisError) -> Set<Int32> {
    var lost: Set<Int32> = []
    var failed: Set<Int> = []
    for failure in answers.failures {
      if case .bars(let partition, let chunk) = commands[failure.command], failure.error.code == "redis_no_series" {
        lost.formUnion(buffers[partition].buffer.bars[chunk].series)
        continue
      }
      // Of a series that is not there nothing has to go.
      if case .removal = commands[failure.command], failure.error.code == "redis_no_series" { continue }
      guard case .samples(let range) = commands[failure.command], let element = failure.element else {
        throw failure.error
      }
      let place = places[range.lowerBound + element]
      let sample = buffers[Int(place.partition)].buffer.samples[Int(place.sample)]
      failed.insert(range.lowerBound + element)
      switch failure.error.code {
      case "redis_outside_retention": outcome.outsideRetention += 1
      case "redis_no_series": lost.insert(sample.series)
      default:
        guard failure.error.errorClass == .data else { throw failure.error }
        outcome.refuse(Int(place.partition), sample.offset, failure.error)
      }
    }
    for (index, place) in places.enumerated() where failed.isEmpty || !failed.contains(index) {
      let sample = buffers[Int(place.partition)].buffer.samples[Int(place.sample)]
      let series = Int(sample.series)
      if table[series].newest < sample.stamp { table[series].newest = sample.stamp }
    }
    outcome.written += places.count - failed.count
    return lost
  }

  // MARK: - before

  /// Makes the series that this process has not written to yet: a sample never makes one, since the policy for
  /// repeated stamps is the series'. What exists gets the retention and labels of the settings.
  private func prepare(_ buffers: [Waiting], _ table: inout SeriesTable) async throws {
    var missing: Set<Int32> = []
    for (_, buffer) in buffers {
      for sample in buffer.samples where !sample.isGone && !table[Int(sample.series)].isReady {
        missing.insert(sample.series)
      }
      for series in buffer.bars.lazy.flatMap(\.series) where !table[Int(series)].isReady { missing.insert(series) }
    }
    guard !missing.isEmpty else { return }
    let order = missing.sorted()
    let commands = order.flatMap { number -> [RedisCommand] in
      let series = table[Int(number)]
      let settings = ["RETENTION", "\(series.retention)", "DUPLICATE_POLICY", "LAST", "LABELS"] + series.labels
      return [
        RedisCommand("TS.CREATE", ([series.key] + settings).map { Array($0.utf8) }),
        RedisCommand("TS.ALTER", ([series.key] + settings).map { Array($0.utf8) }),
        RedisCommand("TS.GET", series.key),
      ]
    }
    let replies = try await client.replies(to: commands)
    for (index, number) in order.enumerated() {
      let key = table[Int(number)].key
      if case .failure(let error) = replies[index * 3], error.code != "redis_key_exists" { throw error }
      for reply in replies[(index * 3 + 1)...(index * 3 + 2)] {
        guard case .failure(let error) = reply else { continue }
        guard error.code == "redis_wrongtype" || error.code == "redis_no_series" else { throw error }
        throw RedisError(
          code: "redis_wrongtype", .configuration, operation: "TS.ALTER",
          message: "\(key) is no time series; rename or delete the key, or give this service a Redis of its own")
      }
      table[Int(number)].newest = replies[index * 3 + 2].array?.first?.integer ?? -1
      table[Int(number)].isReady = true
    }
  }

  /// What the server holds at stamps that are not newer than all of a series: writing an equal value again costs it
  /// fifty times what reading costs.
  private func held(_ buffers: [Waiting], _ table: SeriesTable) async throws -> [Point: Double] {
    var asked: [Int32: [Int64]] = [:]
    for (_, buffer) in buffers {
      for sample in buffer.samples where !sample.isGone && sample.stamp <= table[Int(sample.series)].newest {
        asked[sample.series, default: []].append(sample.stamp)
      }
    }
    guard !asked.isEmpty else { return [:] }
    var ranges: [(series: Int32, from: Int64, to: Int64)] = []
    for (series, stamps) in asked {
      // A few stamps may lie far apart, with much between them.
      if stamps.count <= 4 {
        ranges += stamps.map { (series, $0, $0) }
      } else {
        ranges.append((series, stamps.min() ?? 0, stamps.max() ?? 0))
      }
    }
    let replies = try await client.replies(to: ranges.map { range in
      RedisCommand("TS.RANGE", table[Int(range.series)].key, "\(range.from)", "\(range.to)")
    })
    var held: [Point: Double] = [:]
    for (range, reply) in zip(ranges, replies) {
      if case .failure(let error) = reply {
        // Gone since: it is made again when its samples are refused.
        guard error.code == "redis_no_series" else { throw error }
        continue
      }
      for element in reply.array ?? [] {
        guard let pair = element.array, pair.count == 2, let stamp = pair[0].integer,
              let value = pair[1].text.flatMap(Double.init) else { continue }
        held[Point(series: range.series, stamp: stamp)] = value
      }
    }
    return held
  }

  private func load() async throws -> [[UInt8]] {
    var digests: [[UInt8]] = []
    for script in Script.allCases.map(\.source) {
      digests.append(try await client.send(RedisCommand("SCRIPT", "LOAD", script.text)).bytes ?? [])
    }
    return digests
  }

  // MARK: - commands

  /// - Returns: the samples that are written, in their order.
  private func encode(
    _ buffers: [Waiting], _ table: SeriesTable, _ held: inout [Point: Double], to draft: inout Draft,
    _ outcome: inout Outcome
  ) -> [Place] {
    var places: [Place] = []
    var start = 0
    func close() {
      while start < places.count {
        let range = start..<min(start + Self.samplesInCommand, places.count)
        draft.pipeline.begin(words: 1 + 3 * range.count)
        draft.pipeline.word("TS.MADD")
        for index in range {
          let sample = buffers[Int(places[index].partition)].buffer.samples[Int(places[index].sample)]
          draft.pipeline.framed(table[Int(sample.series)].frame)
          draft.pipeline.number(sample.stamp)
          draft.pipeline.number(sample.mantissa, scale: Int(sample.scale))
        }
        draft.commands.append(.samples(range))
        start = range.upperBound
      }
    }
    for (partition, waiting) in buffers.enumerated() {
      for (index, sample) in waiting.buffer.samples.enumerated() {
        if sample.isGone {
          // In its turn: a sample of the instant may be before it, and another one behind it.
          close()
          held[Point(series: sample.series, stamp: sample.stamp)] = nil
          draft.pipeline.begin(words: 4)
          draft.pipeline.word("TS.DEL")
          draft.pipeline.framed(table[Int(sample.series)].frame)
          draft.pipeline.number(sample.stamp)
          draft.pipeline.number(sample.stamp)
          draft.commands.append(.removal)
          continue
        }
        let newest = table[Int(sample.series)].newest
        if sample.stamp <= newest {
          if sample.stamp < newest - table[Int(sample.series)].retention, table[Int(sample.series)].retention > 0 {
            outcome.outsideRetention += 1
            continue
          }
          let point = Point(series: sample.series, stamp: sample.stamp)
          let value = Double("\(sample.value)")
          if let known = held[point], known == value {
            outcome.equal += 1
            continue
          }
          // A later sample of the stamp is held against this one.
          held[point] = value
        }
        places.append(Place(partition: Int32(partition), sample: Int32(index)))
      }
    }
    close()
    return places
  }

  private func append(bars buffers: [Waiting], _ table: SeriesTable, to draft: inout Draft) {
    for (partition, waiting) in buffers.enumerated() {
      for (index, chunk) in waiting.buffer.bars.enumerated() {
        let keys = chunk.series + chunk.lacking
        draft.run(
          .bars, keys: keys.count, words: keys.count + 3 + chunk.bars * (1 + chunk.series.count),
          as: .bars(partition: partition, chunk: index))
        for series in keys { draft.pipeline.framed(table[Int(series)].frame) }
        draft.pipeline.number(chunk.first)
        draft.pipeline.number(chunk.last)
        draft.pipeline.number(Int64(chunk.series.count))
        draft.pipeline.framed(chunk.words.bytes)
      }
    }
  }

  private func append(lastValues buffers: [Waiting], _ table: SeriesTable, to draft: inout Draft) {
    var decoder = FeedTickDecoder()
    var words = HashWords()
    for (_, buffer) in buffers {
      for (prefix, values) in [("trade:", buffer.trades), ("quote:", buffer.quotes)] {
        for (symbol, value) in values {
          let hash: (bytes: [UInt8], count: Int)
          do throws(DecodingFailure) {
            hash = words.make(try decoder.decode(value.record.span.bytes))
          } catch { continue }  // It was read before.
          draft.run(.last, words: 2 + hash.count)
          draft.pipeline.word(Array(prefix.utf8) + table.symbols.texts[symbol])
          draft.pipeline.number(value.eventNs)
          draft.pipeline.framed(hash.bytes)
        }
      }
      // Behind the trades of the same flush, which they may be about.
      for change in buffer.changes {
        draft.run(.change, words: 3 + change.count)
        draft.pipeline.word(Array("trade:".utf8) + table.symbols.texts[change.symbol])
        draft.pipeline.word(change.id)
        draft.pipeline.word(change.exchange)
        draft.pipeline.framed(change.words)
      }
    }
  }

  /// The last record of a gap holds. The hash of a symbol goes when no gap was told for as long as the topic keeps
  /// them.
  private func append(gaps buffers: [Waiting], to draft: inout Draft) {
    for (_, buffer) in buffers {
      for gap in buffer.gaps {
        let key = Array("gaps:".utf8) + gap.symbol
        draft.pipeline.append(RedisCommand("HSET", [key, gap.id, gap.json]))
        let seconds = Topics.marketGaps.retention.components.seconds
        draft.pipeline.append(RedisCommand("EXPIRE", [key, Array("\(seconds)".utf8)]))
        draft.commands += [.last, .last]
      }
    }
  }

  private func append(tails buffers: [Waiting], to draft: inout Draft) {
    let all = buffers.reduce(0) { $0 + $1.buffer.tail.count }
    for (partition, buffer) in buffers where tail > 0 {
      // Of more records than the stream keeps, each partition's share: others would go at once.
      let count = buffer.tail.count
      let range = buffer.tail.last(all <= tail ? count : (count * tail + all - 1) / all)
      if range.isEmpty { continue }
      draft.run(.tail, keys: 2, words: 4 + 2 * range.count, as: .tail(records: range.count))
      draft.pipeline.word(Array(Self.stream.utf8))
      draft.pipeline.word(Array(Self.streamOffsets.utf8))
      draft.pipeline.word(Array("\(partition.topic)/\(partition.partition)".utf8))
      draft.pipeline.number(Int64(tail))
      for index in range {
        draft.pipeline.number(buffer.tail.offsets[index])
        draft.pipeline.word(buffer.tail.value(index))
      }
    }
  }
}
