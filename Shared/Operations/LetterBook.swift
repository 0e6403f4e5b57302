import Catalogue
import Core
import Kafka
import KafkaFlags
import Messages
import Pipeline
import ServiceKit
import Synchronization
import Values

/// The dead letters of a cluster, and the record of what was done with them, which lies in `souk.alerts`.
package struct LetterBook: Sendable {
  package let cluster: Cluster

  package init(cluster: Cluster) { self.cluster = cluster }

  /// The letters of a topic, the oldest first.
  /// - Parameters:
  ///   - origin: the topic whose records they were.
  ///   - take: called for each in the order of each partition, on one thread.
  package func letters(of origin: String, take: @escaping @Sendable (Letter) -> Void) async throws {
    let topic = Topic.deadLetterName(of: origin)
    _ = try await cluster.partitions(of: topic)
    let marks = try await marks()[topic] ?? []
    try await cluster.read(topic, stop: Interruption()) { record in
      var letter = Letter(ReadRecord(record))
      letter.handled = marks.last { $0.letters.contains(letter.id) }?.handling
      take(letter)
    }
  }

  /// All that match, in memory.
  package func letters(of origin: String, where filter: LetterFilter, _ ids: [RecordID] = []) async throws -> [Letter] {
    let found = Mutex<[Letter]>([])
    let wanted = Set(ids)
    try await letters(of: origin) { letter in
      if !wanted.isEmpty, !wanted.contains(letter.id) { return }
      if filter.matches(letter) { found.withLock { $0.append(letter) } }
    }
    let letters = found.withLock { $0.sorted { ($0.time ?? 0, $0.id) < ($1.time ?? 0, $1.id) } }
    let missing = wanted.subtracting(letters.map(\.id)).sorted()
    guard filter.isEmpty, let first = missing.first else { return letters }
    throw Failure(.configuration, code: "no_such_letter", """
      \(Topic.deadLetterName(of: origin)) has no record \(first.partition)@\(first.offset); \
      see `souk dlq ls \(origin)`
      """)
  }

  /// Names of topics whose dead-letter topic has records, in the order of the catalogue.
  package func origins() async throws -> [String] {
    let suffix = Topic.deadLetterName(of: "")
    let known = try await cluster.admin.topics()
    let topics = known.filter { $0.key.hasSuffix(suffix) && !$0.value.isEmpty }
    let places = Set(topics.flatMap { topic in topic.value.map { TopicPartition(topic.key, $0) } })
    let marks = try await cluster.admin.watermarks(places)
    let filled = Set(marks.filter { $0.value.high > $0.value.low }.map(\.key.topic))
    let order = Topics.all.map(\.deadLetterName)
    return filled.sorted { (order.firstIndex(of: $0) ?? .max, $0) < (order.firstIndex(of: $1) ?? .max, $1) }
      .map { String($0.dropLast(suffix.count)) }
  }

  // MARK: - What was done

  package struct Mark: Sendable {
    package var letters: LetterRanges
    package var handling: Handling
  }

  /// By dead-letter topic, the oldest first.
  private func marks() async throws -> [String: [Mark]] {
    guard let partitions = try await cluster.admin.topics()[Topics.alerts.name], !partitions.isEmpty else { return [:] }
    let found = Mutex<[String: [Mark]]>([:])
    try await cluster.read(Topics.alerts.name, stop: Interruption()) { record in
      let record = ReadRecord(record)
      guard let text = record.header(RedriveHeader.letters), let value = record.value,
        let alert = try? Alert(decoding: value), let act = Handling.Act(rawValue: alert.kind.rawValue)
      else { return }
      let by = record.header("souk-by") ?? "?"
      let handling = Handling(act: act, by: by, at: alert.observedAt.microseconds / 1_000)
      found.withLock {
        $0[alert.subject, default: []].append(Mark(letters: LetterRanges(text: text), handling: handling))
      }
    }
    return found.withLock { $0.mapValues { $0.sorted { $0.handling.at < $1.handling.at } } }
  }

  /// Sends what the plan sends, at most `rate` records a second, a tenth of a second's at a time. The audit record of
  /// each part follows its acknowledgement, so that a redrive that ends in the middle does not count what it has not
  /// sent.
  /// - Returns: how many records were sent.
  package func redrive(
    _ plan: RedrivePlan, to target: String, of origin: String, rate: Int, by person: String, filter: String,
    reason: String
  ) async throws -> Int {
    let items = plan.sent
    if items.isEmpty { return 0 }
    return try await cluster.withProducer { producer in
      func note(_ letters: ArraySlice<Letter>) async throws {
        if letters.isEmpty { return }
        try await self.note(
          .redriven, Array(letters), of: origin, by: person, filter: filter, reason: reason, through: producer)
      }
      var sent: [Letter] = []
      var noted = 0
      do {
        var pace = Pace(rate: rate)
        for part in pace.parts(items.count) {
          var batch = OutgoingBatch()
          for item in items[part] { item.append(to: &batch, topic: target) }
          try await producer.send(batch)
          sent += items[part].map(\.letter)
          try await pace.wait(after: part.count)
          if sent.count - noted >= 1_000 {
            try await note(sent[noted...])
            noted = sent.count
          }
        }
      } catch {
        try? await note(sent[noted...])
        throw error
      }
      try await note(sent[noted...])
      return sent.count
    }
  }

  /// Writes that these letters need nothing any more.
  package func dismiss(
    _ letters: [Letter], of origin: String, by person: String, filter: String, reason: String
  ) async throws {
    _ = try await cluster.partitions(of: Topics.alerts.name)
    try await cluster.withProducer { producer in
      try await note(.dismissed, letters, of: origin, by: person, filter: filter, reason: reason, through: producer)
    }
  }

  /// Writes the audit record, whose place among the alerts is where people look.
  package func note(
    _ act: Handling.Act, _ letters: [Letter], of origin: String, by person: String, filter: String, reason: String,
    through producer: Producer
  ) async throws {
    let topic = Topic.deadLetterName(of: origin)
    var batch = OutgoingBatch()
    // So many places fit into a header of any broker's largest record.
    for start in stride(from: 0, to: letters.count, by: 5_000) {
      let part = letters[start..<min(start + 5_000, letters.count)]
      let microseconds = WallClock.microseconds()
      let alert = Alert(
        kind: Alert.Kind(rawValue: act.rawValue), severity: .warning, service: "souk", subject: topic,
        occasion: "\(microseconds)-\(start)", message: """
          \(counted(part.count, "dead letter")) of \(origin) \(act.word) by \(person) (\(filter))\
          \(reason.isEmpty ? "" : ": \(reason)")
          """, observedAt: Timestamp(microseconds: microseconds) ?? .epoch)
      let headers = ServiceIdentity(name: "souk").headers(schema: Topics.alerts.schema) + [
        Header(RedriveHeader.letters, LetterRanges(part.map(\.id)).text), Header("souk-by", person),
      ]
      batch.append(topic: Topics.alerts.name, key: alert.key, value: alert.encoded(), headers: headers)
    }
    try await producer.send(batch)
  }
}

extension Cluster {
  /// Lends a producer, and waits until all of it is acknowledged.
  package func withProducer<Value>(_ body: (Producer) async throws -> Value) async throws -> Value {
    let producer = try Producer(options.producerConfiguration(clientID: name, logger: Self.silent))
    do {
      let value = try await body(producer)
      await producer.close()
      return value
    } catch {
      await producer.close()
      throw error
    }
  }
}
