import Core
import CRdKafka
import Glibc
import Logging
import Synchronization

/// librdkafka's mock cluster on 127.0.0.1: a real socket server that speaks Kafka's protocol, for demos and tests.
///
/// It lives in memory and forgets everything at exit. It keeps about 5 MB or 100,000 records of each partition
/// and silently trims older ones; it has no CreateTopics (use `createTopic`); a first join of a group takes 3 s;
/// it does not see members leave, so that their partitions wait for `session.timeout.ms`; it refuses commits
/// while members join; it shows aborted transactions to every reader.
package final class EmbeddedBroker: Sendable {
  /// For the `--help` of programs that start one.
  package static let limits = """
    The embedded broker keeps about 5 MB or 100,000 messages of each partition in memory, trims older ones \
    silently, and forgets everything when it stops. A consumer that falls behind it reports a gap.
    """

  /// How the ids of embedded clusters begin.
  package static let clusterIDPrefix = "mockCluster"

  /// The requests whose failure can be staged, by their number in Kafka's protocol.
  package enum Request: Int16, Sendable {
    case produce = 0
    case fetch = 1
    case listOffsets = 2
    case metadata = 3
    case offsetCommit = 8
    case offsetFetch = 9
    case findCoordinator = 10
    case joinGroup = 11
    case heartbeat = 12
    case syncGroup = 14
    case initProducerID = 22
    case addPartitionsToTransaction = 24
    case addOffsetsToTransaction = 25
    case endTransaction = 26
    case transactionOffsetCommit = 28
  }

  package let brokers: Int
  /// `host:port,...` for `--kafka-bootstrap-servers`; ports are chosen by the system.
  package let bootstrapServers: String
  private struct Cluster: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Lends the cluster its memory and threads; it connects to no broker.
    let client: ClientHandle
  }
  private let cluster: Mutex<Cluster?>

  package init(brokers: Int = 1, topics: [(name: String, partitions: Int)] = []) throws {
    self.brokers = brokers
    let client = try ClientHandle(RD_KAFKA_PRODUCER, properties: ["client.id": "embedded-broker"], events: 0)
    let cluster = client.call { rd_kafka_mock_cluster_new($0, Int32(brokers)) }
    guard let cluster else {
      throw Failure(.fatal, code: "embedded_broker", "the embedded broker could not listen on 127.0.0.1")
    }
    self.cluster = Mutex(Cluster(pointer: cluster, client: client))
    bootstrapServers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
    Self.answerAtOnce(bootstrapServers)
    for topic in topics { try createTopic(topic.name, partitions: topic.partitions) }
  }

  /// Has answers go out at once, as a real broker's do: the library leaves small ones waiting until those before are
  /// acknowledged, which takes a reader's system up to 40 ms. Connections inherit it from the socket that listens.
  private static func answerAtOnce(_ servers: String) {
    var ports = Set(servers.split(separator: ",").compactMap { $0.split(separator: ":").last.flatMap { UInt16($0) } })
    for descriptor in Int32(0)..<65_536 where !ports.isEmpty {
      var isListening: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening == 1 else {
        continue
      }
      var name = sockaddr_in()
      length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isNamed = withUnsafeMutableBytes(of: &name) {
        getsockname(descriptor, $0.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0
      }
      guard isNamed, ports.remove(UInt16(bigEndian: name.sin_port)) != nil else { continue }
      var isOn: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  deinit { close() }

  /// Stops the broker; its clients see it go down for good.
  package func close() {
    let cluster = cluster.withLock { cluster in
      defer { cluster = nil }
      return cluster
    }
    if let cluster { cluster.client.call { _ in rd_kafka_mock_cluster_destroy(cluster.pointer) } }
  }

  /// Does nothing once closed.
  private func withCluster(_ body: (OpaquePointer) -> Void) {
    cluster.withLock { if let cluster = $0 { cluster.client.call { _ in body(cluster.pointer) } } }
  }

  /// - Throws: when the topic exists already: the number of partitions could not be kept.
  package func createTopic(_ name: String, partitions: Int) throws {
    var code = RD_KAFKA_RESP_ERR__STATE
    withCluster { code = rd_kafka_mock_topic_create($0, name, Int32(partitions), Int32(min(brokers, 3))) }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError("create topic \(name)", code) }
  }

  // MARK: Faults

  /// The next requests of this kind fail with these codes, one each (Kafka's error numbers).
  package func fail(_ request: Request, with codes: [Int32]) {
    let errors = codes.map { rd_kafka_resp_err_t(rawValue: $0) }
    withCluster { rd_kafka_mock_push_request_errors_array($0, request.rawValue, errors.count, errors) }
  }

  package func clearFaults(_ request: Request) {
    withCluster { rd_kafka_mock_clear_request_errors($0, request.rawValue) }
  }

  /// Closes the broker's connections and refuses new ones. Ids count from 1.
  package func takeDown(_ broker: Int32 = 1) { withCluster { rd_kafka_mock_broker_set_down($0, broker) } }
  package func bringUp(_ broker: Int32 = 1) { withCluster { rd_kafka_mock_broker_set_up($0, broker) } }

  /// Metadata says this of the topic from now on; 0 heals it.
  package func setTopicError(_ topic: String, _ code: Int32) {
    withCluster { rd_kafka_mock_topic_set_error($0, topic, rd_kafka_resp_err_t(rawValue: code)) }
  }
}
