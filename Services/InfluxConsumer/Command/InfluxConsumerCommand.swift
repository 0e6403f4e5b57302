import ArgumentParser
import Influx
import Kafka
import Logging
import Pipeline
import Runtime
import Schemas
import ServiceKit

/// `influx-consumer`: bars into a time series database.
package struct InfluxConsumerCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.influxConsumer.name,
    abstract: "Write bars into InfluxDB 1.x, 2.x, 3.x or VictoriaMetrics.",
    discussion: """
      Consumes \(Topics.marketData.name). A record becomes one point of line protocol; its measurement, tags and time \
      come only from the record, so a repeat overwrites itself. A point that the server refuses is a dead letter, \
      and the others of its request are written.
      """,
    version: Souk.version)

  @OptionGroup(title: "Points") package var points: InfluxConsumerOptions
  @OptionGroup(title: "InfluxDB") package var influx: InfluxOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Pipeline") package var pipeline: PipelineOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics: [MetricDescription] = InfluxMetrics.descriptions + PipelineMetrics.sinks

  package func check(_ report: CheckReport) async {
    let entry = ServiceCatalogue.influxConsumer
    let (kafka, points, influx) = (kafka, points, influx)
    await report.probe("kafka") {
      let topics = entry.inputs + entry.inputs.map(\.deadLetters)
      return try await kafka.check(
        clientID: entry.name, topics: topics.map(\.name), logger: Logger(label: "check"))
    }
    await report.probe("mapping") {
      _ = try points.encoder()
      return "measurement \(points.measurement)"
    }
    await report.probe("influx") {
      let client = try InfluxClient(try influx.configuration())
      defer { client.close() }
      return try await client.prepare()
    }
  }

  package func run(in context: ServiceContext) async throws {
    let encoder = try points.encoder()
    let client = try InfluxClient(try influx.configuration())
    defer { client.close() }
    guard try await awaitServer(client, context) else { return }
    let consumers = ConsumerService(
      entry: ServiceCatalogue.influxConsumer, kafka: kafka, pipeline: pipeline, context: context)
    let heartbeat = context.worker
    try await consumers.run(policy: points.policy, externalOffsets: false) { _, _ in
      InfluxSink(client, encoder: encoder, limits: points.limits) { heartbeat.working("write") }
    }
  }

  /// Nothing is consumed before the server has taken a write once: a wrong token or database must stop the service
  /// before it works.
  /// - Returns: false when the service was asked to drain first.
  private func awaitServer(_ client: InfluxClient, _ context: ServiceContext) async throws -> Bool {
    let readiness = context.health.readiness("influx")
    var backoff = pipeline.backoff
    while !context.drain.isRaised {
      do {
        let found = try await client.prepare()
        readiness.set(ready: true)
        context.logger.info("server ready", metadata: ["server": "\(found)"])
        return true
      } catch let error where ErrorClass(of: error) == .transient {
        readiness.failed(error)
        context.logger.warning("waiting for the server", metadata: ["reason": "\(error)"])
        _ = await context.drain.sleep(for: backoff.next())
      }
    }
    return false
  }
}
