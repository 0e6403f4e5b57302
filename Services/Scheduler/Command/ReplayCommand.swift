import ArgumentParser
import Catalogue
import Core
import Kafka
import KafkaFlags
import Logging
import Options
import Pipeline
import ServiceKit

/// `scheduler replay`: sends the jobs of a span of time, at a speed, and ends.
package struct ReplayCommand: ServiceCommand {
  package static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send the jobs of a span of time as fast as is wanted, then exit.",
    discussion: """
      The jobs are those that the service would have sent, with the same ids, but without deadlines. No lease is \
      taken, and the progress of the running scheduler is left alone.
      """,
    version: Souk.version)

  @OptionGroup(title: "Time") package var span: TimeSpan

  @Option(help: ArgumentHelp(
    "Seconds of the span in one second: 3600 is an hour a second; 0: as fast as Kafka takes them.",
    valueName: "factor"))
  package var speed: Double = 1

  @Flag(help: "Do not exit at the end; wait for the signal to stop.") package var stay = false

  @OptionGroup(title: "Catalogue") package var catalogue: PlanOptions
  @OptionGroup(title: "Scheduling") package var scheduling: SchedulingOptions
  @OptionGroup(title: "Kafka") package var kafka: KafkaOptions
  @OptionGroup(title: "Service") package var service: ServiceOptions

  package init() {}

  package static let metrics = SchedulerMetrics.descriptions + KafkaMetrics.producer

  package func validate() throws {
    guard speed >= 0, speed <= 1e9 else { throw ValidationError("--speed has to be from 0 to 1e9") }
  }

  package func work(_ needs: Needs) -> Work {
    let (catalogue, scheduling, range, speed, stay, context) = (
      catalogue, scheduling, span.range, speed, stay, needs.context)
    let plan = needs.add(.setting("catalogue", { try catalogue.load().plan }) { "\($0.names.count) schedules" })
    let clients = needs.kafka(
      ServiceCatalogue.scheduler.name, kafka, topics: catalogue.kind.outputs.map(\.name), consumes: false)
    return clients.source { producer in
      let metrics = SchedulerMetrics(catalogue.kind)
      // No lease is needed here to be the one that sends.
      metrics.active(true)
      let sent = try await Replay(
        plan: try plan.value, queue: JobQueue(producer: producer, service: clients.identity), range: range,
        speed: speed, settings: scheduling.settings, metrics: metrics, context: context
      ).run()
      if stay, !context.drain.isRaised {
        context.health.liveness("scheduler", maxAge: .seconds(120)).idle()
        await context.drain.wait()
      }
      context.logger.notice("replay ended", metadata: ["jobs": .stringConvertible(sent)])
    }
  }
}
