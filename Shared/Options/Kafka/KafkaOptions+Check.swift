import Core
import Kafka
import Logging

extension KafkaOptions {
  /// Connects, logs in, and looks whether the topics are there and the group may be used.
  /// - Parameters:
  ///   - consumes: whether the service joins a group (`--group-id`, or else its name).
  ///   - limit: of the whole; less than what a probe of `--check` may take, so that the reason is what is told.
  /// - Returns: what was found, for a report.
  /// - Throws: a `ClassifiedError` that says what to change. A refusal is thrown at once, whatever the limit.
  package func check(
    clientID: String, topics: [String], consumes: Bool = true, within limit: Duration = .seconds(6), logger: Logger
  ) async throws -> String {
    try await check(
      makeAdmin(clientID: clientID, logger: logger), group: consumes ? groupId ?? clientID : nil, topics: topics,
      within: limit)
  }

  private func check(_ admin: Admin, group: String?, topics: [String], within limit: Duration) async throws -> String {
    let deadline = ContinuousClock.now + limit
    var left: Duration { max(.seconds(1), deadline - .now) }
    let metadata: Metadata
    do {
      metadata = try await admin.metadata(within: limit)
    } catch {
      throw failure(error, advice: "check --kafka-bootstrap-servers and that the brokers run")
    }
    let known = Dictionary(metadata.topics.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let missing = topics.filter { name in
      known[name].map { $0.partitions.isEmpty || $0.error?.refusal?.isDenial == true } ?? true
    }
    if !missing.isEmpty { throw await self.missing(missing, known, admin, within: left) }
    if let group, let topic = topics.first {
      do {
        _ = try await admin.committed(group: group, [TopicPartition(topic, 0)], within: left)
      } catch {
        throw failure(error, advice: "the group's coordinator does not answer")
      }
    }
    let found = "\(metadata.brokers.count) brokers, \(topics.count) topics present, librdkafka \(Library.versionText)"
    return ([found] + (try Library.limits(of: adminProperties()))).joined(separator: "; ")
  }

  private func failure(_ error: KafkaError, advice: String) -> Failure {
    let limits = ((try? Library.limits(of: adminProperties())) ?? []).map { "; \($0)" }.joined()
    return Failure(
      error.errorClass, code: error.refusal.map { "kafka_refused_\($0)" } ?? error.code,
      "Kafka at \(kafkaBootstrapServers): \(error.refusal?.advice ?? advice) (\(error.message))\(limits)")
  }

  /// A topic that this user may not see is not listed; asked for by its name it is denied.
  private func missing(
    _ names: [String], _ known: [String: Metadata.Topic], _ admin: Admin, within limit: Duration
  ) async -> Failure {
    let isEmbedded = (try? await admin.clusterID(within: limit))?.hasPrefix(EmbeddedBroker.clusterIDPrefix) ?? true
    var refusal: Refusal?
    var reasons: [String] = []
    for name in names {
      var error = known[name]?.error
      if error == nil, !isEmbedded { error = try? await admin.topic(name, group: "souk-check", within: limit).error }
      refusal = refusal ?? error?.refusal
      let onCluster = fleet.names.onCluster(name)
      reasons.append(error.map { "\(onCluster) (\($0.message))" } ?? onCluster)
    }
    return Failure(
      .configuration, code: refusal.map { "kafka_refused_\($0)" } ?? "kafka_topics_missing",
      "Kafka at \(kafkaBootstrapServers): topics missing or not visible to this user: "
        + reasons.joined(separator: ", ") + (refusal.map { "; \($0.advice)" } ?? "; create them (souk topics apply)"))
  }

  /// Waits until the cluster lets this service in, before it starts anything: an outage is waited out, a refusal ends
  /// it, and so does a port that has hung up for half a minute, as one of the wrong kind does. Topics that do not exist
  /// yet are left to the consumers and producers, which wait a while for them.
  ///
  /// - Parameters:
  ///   - onWaiting: told what is waited for, without names of hosts; nil at the end.
  /// - Returns: false when `drain` was raised first.
  /// - Throws: a `ClassifiedError` of class `configuration` that says what to change.
  package func waitUntilLetIn(
    clientID: String, topics: [String], consumes: Bool = true, drain: Interruption, logger: Logger,
    onWaiting: @Sendable (String?) -> Void
  ) async throws -> Bool {
    for limit in try Library.limits(of: adminProperties()) { logger.warning("kafka: \(limit)") }
    let admin = try makeAdmin(clientID: clientID, logger: logger)
    var repeated = RepeatedRefusal()
    let isIn: Void? = try await Backoff(base: .milliseconds(200), cap: .seconds(5)).retry(until: drain) {
      do {
        _ = try await check(admin, group: consumes ? groupId ?? clientID : nil, topics: topics, within: .seconds(3))
      } catch let error as Failure where error.code == "kafka_topics_missing" {}
    } isWanted: { failed in
      guard let error = failed.error as? Failure else { throw failed.error }
      let refusal = Refusal.allCases.first { error.code == "kafka_refused_\($0)" }
      if let age = repeated.note(refusal), refusal != .unknownHost, age >= .seconds(30) {
        throw Failure(.configuration, code: error.code, error.message)
      }
      onWaiting(refusal?.advice ?? "no broker answers")
      logger.warning("waiting for Kafka", metadata: ["reason": "\(error)"])
      return true
    }
    if isIn != nil { onWaiting(nil) }
    return isIn != nil
  }
}
