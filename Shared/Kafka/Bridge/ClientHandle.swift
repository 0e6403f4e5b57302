import Core
import CRdKafka
import Logging
import Synchronization

import Glibc

/// A librdkafka client, freed when its last user is gone: the thread that polls it, and every batch whose
/// records still lie in its buffers.
///
/// Like every owner of the library's memory here it keeps its pointer to itself and lends it for the length of a call:
/// Swift may free an owner after the last use of the *object*, which is before the end of a call that was only given
/// its pointer.
final class ClientHandle: @unchecked Sendable {
  private let pointer: OpaquePointer
  private let certificates = CertificateErrors()
  private let login: Mutex<LoginSecret?>
  /// What the cluster calls this fleet's topics and groups.
  let names: ClusterNames

  /// Calls C with the client, which lives at least until `body` returns.
  func call<E: Error, Value>(_ body: (OpaquePointer) throws(E) -> Value) throws(E) -> Value {
    defer { withExtendedLifetime(self) {} }
    return try body(pointer)
  }

  /// - Parameter events: `RD_KAFKA_EVENT_*` flags that arrive on queues instead of C callbacks.
  init(_ kind: rd_kafka_type_t, properties: [String: String], events: Int32) throws {
    var properties = properties
    let names = ClusterNames(prefix: properties.removeValue(forKey: ClusterNames.property) ?? "")
    for name in ["group.id", "transactional.id"] {
      if let own = properties[name] { properties[name] = names.onCluster(own) }
    }
    self.names = names
    login = Mutex(try LoginSecret(&properties))
    guard let conf = rd_kafka_conf_new() else { throw Failure(.fatal, code: "out_of_memory", "kafka: no memory") }
    var text = [CChar](repeating: 0, count: 512)
    // Sorted, so that of two wrong properties always the same one is reported.
    for (name, value) in properties.sorted(by: { $0.key < $1.key })
    where rd_kafka_conf_set(conf, name, value, &text, text.count) != RD_KAFKA_CONF_OK {
      rd_kafka_conf_destroy(conf)
      let reason = ClientProperties.isSecret(name) ? "the value is not accepted" : Library.string(text)
      throw Failure(.configuration, code: "kafka_property", "kafka property \(name): \(reason)")
    }
    rd_kafka_conf_set(conf, "log.queue", "true", nil, 0)
    if properties["security.protocol"]?.lowercased().hasSuffix("ssl") == true { certificates.attach(to: conf) }
    // Tokens are then refreshed by a thread of the library, also while nothing is polled.
    let hasTokens = (properties["sasl.mechanism"] ?? properties["sasl.mechanisms"])?.uppercased() == "OAUTHBEARER"
    if hasTokens { rd_kafka_conf_enable_sasl_queue(conf, 1) }
    rd_kafka_conf_set_events(conf, events | RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS)
    guard let pointer = rd_kafka_new(kind, conf, &text, text.count) else {
      let errorClass = ErrorClass(ofSetting: errno)
      rd_kafka_conf_destroy(conf)
      throw Failure(errorClass, code: "kafka_configuration", "kafka: \(Library.string(text))")
    }
    self.pointer = pointer
    // Refused by libraries that hand these refreshes to the queue that is polled anyway (2.0.2).
    if hasTokens, let error = rd_kafka_sasl_background_callbacks_enable(pointer) { rd_kafka_error_destroy(error) }
  }

  /// Hands a replaced password to the library, for the next login of each connection: those that stand go on. Called in
  /// each round of the threads that poll.
  func renewLogin() {
    guard let fresh = login.withLock({ $0?.change(at: .now) }),
      let error = rd_kafka_sasl_set_credentials(pointer, fresh.user, fresh.password)
    else { return }
    rd_kafka_error_destroy(error)
  }

  deinit {
    struct Pointer: @unchecked Sendable {
      let value: OpaquePointer
    }
    let (pointer, certificates) = (Pointer(value: pointer), certificates)
    // Destroying waits for brokers' threads and has been seen to hang after a broker restart; nothing waits here.
    startThread(named: "kafka-destroy") {
      rd_kafka_destroy_flags(pointer.value, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
      withExtendedLifetime(certificates) {}
    }
  }

  /// What an error event says, with the reason why the last certificate was refused where that is the cause.
  func error(_ operation: String, _ event: OpaquePointer) -> KafkaError {
    let code = rd_kafka_event_error(event)
    if code == RD_KAFKA_RESP_ERR__FATAL, let fatalError { return fatalError }
    var text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
    if code == RD_KAFKA_RESP_ERR__SSL, text.contains("verif"), let reason = certificates.lastRefusal {
      text += " (\(reason))"
    }
    return KafkaError(operation, code, detail: text)
  }

  /// The reason of a fatal error, if there was one.
  var fatalError: KafkaError? {
    var text = [CChar](repeating: 0, count: 512)
    let code = rd_kafka_fatal_error(pointer, &text, text.count)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return KafkaError("client", code, detail: Library.string(text), isFatal: true)
  }
}

/// Interrupts the poll of C queues from any thread, and does nothing once they are destroyed: those who wake
/// can outlive the queues.
final class QueueWaker: Sendable {
  private struct Queues: @unchecked Sendable {
    var pointers: [OpaquePointer]
  }
  private let queues: Mutex<Queues>

  init(_ pointers: [OpaquePointer]) {
    let queues = Queues(pointers: pointers)
    self.queues = Mutex(queues)
  }

  func wake() {
    queues.withLock { for queue in $0.pointers { rd_kafka_queue_yield(queue) } }
  }

  /// Destroys the queues; the caller does not use them again.
  func destroy() {
    queues.withLock { queues in
      for queue in queues.pointers { rd_kafka_queue_destroy(queue) }
      queues.pointers = []
    }
  }
}
