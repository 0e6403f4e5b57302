import ArgumentParser
import Catalogue
import Core
import InfluxFlags
import KafkaFlags
import Pipeline
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

  package func work(_ needs: Needs) -> Work {
    let consumer = needs.consumer(ServiceCatalogue.influxConsumer, kafka, pipeline)
    let encoder = needs.add(.setting("mapping", points.encoder) { [points] _ in "measurement \(points.measurement)" })
    let server = needs.add(influx.need())
    let (limits, heartbeat) = (points.limits, needs.context.worker)
    return consumer.sink(points.policy) { _, _ in
      InfluxSink(try server.value, encoder: try encoder.value, limits: limits) { heartbeat.working("write") }
    }
  }
}
