import Catalogue
import Core
import Kafka
import ServiceKit
import Values

extension Job {
  /// The trace that it belongs to.
  var trace: TraceParent? { header(HeaderName.traceparent).flatMap { TraceParent(parsing: $0.span.bytes) } }
}

extension SpanLinks {
  mutating func add(_ record: borrowing RecordBatch.Record) {
    guard let context = record.header(HeaderName.traceparent) else { return }
    add(context, topic: record.topic, partition: record.partition, offset: record.offset)
  }
}

extension PipelineContext {
  /// Works on a job within its trace: log lines name it, and messages that it leads to carry it on. With a tracer the
  /// work is a span.
  /// - Parameter work: returns nil when the job is given up.
  @discardableResult
  func traced(_ job: Job, _ work: (Job) async throws -> Disposition?) async rethrows -> Disposition? {
    guard let tracer = service.tracer else {
      return try await TraceContext.$current.withValue(job.trace) { try await work(job) }
    }
    let span = tracer.begin(
      "process \(job.topic)", .consumer, parent: job.trace,
      processing + TraceSpan.place(job.topic, job.partition, job.offset))
    var carrying = job
    carrying.headers.removeAll { $0.name == HeaderName.traceparent }
    carrying.headers.append(Header(HeaderName.traceparent, span.context.bytes))
    let own = carrying
    do {
      let disposition = try await TraceContext.$current.withValue(span.context) { try await work(own) }
      switch disposition {
      case .reject(let rejection): tracer.end(span, failure: rejection.code)
      case nil: tracer.end(span, failure: "abandoned")
      default: tracer.end(span)
      }
      return disposition
    } catch {
      tracer.end(span, failure: publicCode(of: error))
      throw error
    }
  }

  /// Begins the span of work on a batch of `count` records.
  func begin(_ links: SpanLinks, _ count: Int, of partitions: some Collection<TopicPartition>) -> TraceSpan? {
    guard let tracer = service.tracer, count > 0 else { return nil }
    let topics = Set(partitions.map(\.topic))
    var attributes = processing + [("messaging.batch.message_count", .number(Int64(count)))]
    if topics.count == 1, let topic = topics.first {
      attributes.append(("messaging.destination.name", .text(topic)))
      if partitions.count == 1, let only = partitions.first {
        attributes.append(("messaging.destination.partition.id", .text("\(only.partition)")))
      }
    }
    return tracer.begin(topics.count == 1 ? "process \(topics.first!)" : "process", over: links, attributes)
  }

  func end(_ span: TraceSpan?, failure: String? = nil) {
    if let span { service.tracer?.end(span, failure: failure) }
  }

  private var processing: [TraceSpan.Attribute] {
    [
      ("messaging.system", .text("kafka")), ("messaging.operation.type", .text("process")),
      ("messaging.operation.name", .text("process")),
      ("messaging.consumer.group.name", .text(consumer.configuration.groupID)),
    ]
  }
}
