import CoreMetrics
import CRdKafka

extension ConsumerThread {
  /// A partition's part of the batch that is being collected.
  private struct Track {
    var partition: TopicPartition
    var ownership: ConsumerMachine.Ownership?
    var next: Int64
    /// Nothing of it was taken yet.
    var isFresh = true
  }

  /// Takes records from the library until the batch is full or nothing waits. Waits up to `wait` for the first.
  func collect(wait: Duration) -> RecordBatch? {
    var events: [OpaquePointer] = []
    var messages: [UnsafePointer<rd_kafka_message_t>] = []
    var runs: [RecordBatch.Run] = []
    var tracks: [Track] = []
    var current = -1
    var (handle, number): (OpaquePointer?, Int32) = (nil, -1)
    var bytes = 0
    var timeout = wait.milliseconds
    while messages.count < configuration.maxBatchRecords {
      let taken = takeRecord(&timeout)
      guard case .record(let (event, message)) = taken else {
        if case .nothing = taken { ends.recordsRanOut() }
        break
      }
      let body = message.pointee
      if handle != body.rkt || number != body.partition {
        // Fetches bring long runs of one partition, so names are only looked up where a run ends.
        (handle, number) = (body.rkt, body.partition)
        let partition = TopicPartition(client.names.topic(rd_kafka_topic_name(body.rkt)), body.partition)
        if let known = tracks.firstIndex(where: { $0.partition == partition }) {
          current = known
        } else {
          let ownership = machine.owned[partition]
          tracks.append(Track(partition: partition, ownership: ownership, next: ownership?.next ?? 0))
          current = tracks.count - 1
        }
        if let ownership = tracks[current].ownership {
          runs.append(.init(
            lease: Lease(partition: partition, epoch: ownership.epoch), range: messages.count..<messages.count))
        }
      }
      // Not ours any more, or from before a seek.
      guard tracks[current].ownership != nil, body.offset >= tracks[current].next else {
        rd_kafka_event_destroy(event)
        continue
      }
      let size = body.len + body.key_len
      if bytes + size > configuration.maxBatchBytes && !messages.isEmpty {
        held.insert((event, message), at: 0)
        break
      }
      bytes += size
      if tracks[current].isFresh {
        tracks[current].isFresh = false
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        meters.took(
          tracks[current].partition, offset: body.offset, timestamp: rd_kafka_message_timestamp(message, &kind))
      }
      events.append(event)
      messages.append(message)
      tracks[current].next = body.offset + 1
      runs[runs.count - 1].range = runs[runs.count - 1].range.lowerBound..<messages.count
    }
    for track in tracks where track.ownership != nil { machine.advance(track.partition, to: track.next) }
    guard !messages.isEmpty else { return nil }
    access.wasLetIn()
    meters.consumed.increment(by: messages.count)
    let storage = RecordBatch.Storage(events: events, messages: messages, client: client)
    return RecordBatch(storage: storage, runs: runs.filter { !$0.range.isEmpty })
  }

  private enum Taken {
    case record(Held)
    case nothing
    /// An error was reported: what came before it is to be handed over first.
    case failure
  }

  private func takeRecord(_ timeout: inout Int32) -> Taken {
    if !held.isEmpty {
      timeout = 0
      return .record(held.removeFirst())
    }
    while let event = rd_kafka_queue_poll(records, timeout) {
      timeout = 0
      switch rd_kafka_event_type(event) {
      case RD_KAFKA_EVENT_FETCH:
        if let message = rd_kafka_event_message_next(event) { return .record((event, message)) }
        rd_kafka_event_destroy(event)
      case RD_KAFKA_EVENT_ERROR:
        defer { rd_kafka_event_destroy(event) }
        guard !noteEnd(event) else { continue }
        report(event)
        return .failure
      default:
        handle(event)
      }
    }
    return .nothing
  }

  func partition(of message: UnsafePointer<rd_kafka_message_t>) -> TopicPartition {
    TopicPartition(client.names.topic(rd_kafka_topic_name(message.pointee.rkt)), message.pointee.partition)
  }

  /// - Returns: whether the event says that a partition was read to its end.
  func noteEnd(_ event: OpaquePointer) -> Bool {
    guard rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__PARTITION_EOF else { return false }
    if let place = place(of: event) { ends.reached(place.partition, at: place.offset) }
    return true
  }

  /// Hands over positions behind offsets that hold no records. Called after the control queue was served.
  func handOverEnds() {
    guard !ends.isEmpty, machine.mayFetch else { return }
    let held = Set(held.map { partition(of: $0.message) })
    pass(ends.take(holding: held) { machine.owned[$0]?.next })
  }

  /// Reading goes on at these offsets, under the same leases.
  func pass(_ positions: [TopicPartition: Int64]) {
    var passed: [Lease: Int64] = [:]
    for (partition, offset) in positions {
      guard let epoch = machine.owned[partition]?.epoch else { continue }
      machine.advance(partition, to: offset)
      passed[Lease(partition: partition, epoch: epoch)] = offset
    }
    if !passed.isEmpty { outbox.append(.element(.passed(passed))) }
  }
}
