import ArgumentParser
import Catalogue
import Core
import InfluxFlags
import KafkaFlags
import Metrics
import Options
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

  @OptionGroup(title: "Points") var points: InfluxConsumerOptions
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

/// What becomes a point, and when points are written.
struct InfluxConsumerOptions: ParsableArguments {
  @Option(help: "Name of the measurement.")
  var measurement = PointMapping.bars.measurement

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "A field of the record that becomes a tag (repeatable); default: symbol, exchange, interval.",
    valueName: "field[=key]"))
  var tag: [String] = []

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "A field of the record that becomes a field of the point (repeatable); value@name takes its key from the field "
      + "'name'. Types are float (the default), integer, string and boolean. Default: open, high, low, close, volume, "
      + "value@field.",
    valueName: "field[=key][:type]"))
  var field: [String] = []

  @Option(parsing: .singleValue, help: ArgumentHelp(
    "A field that holds the time (repeatable); the first that has a value counts. Default: observed_at, datetime.",
    valueName: "field"))
  var time: [String] = []

  @Option(help: ArgumentHelp("Zone of times that are written without an offset.", valueName: "zone"))
  var timeZone = "Africa/Cairo"

  @Option(help: "Points that make a flush.")
  var flushPoints = 20_000

  @Option(help: ArgumentHelp("Bytes of points that make a flush.", valueName: "size"))
  var flushBytes = ByteSize.mib(8)

  @Option(help: ArgumentHelp("Longest time a record waits for others before it is written.", valueName: "time"))
  var linger = DurationSetting(.milliseconds(200))

  @Option(help: "Points in one request.")
  var requestPoints = 5_000

  @Option(help: ArgumentHelp("Bytes of points in one request, before compression.", valueName: "size"))
  var requestBytes = ByteSize.mib(4)

  @Option(help: "Requests on their way at once; the points of one partition are never in two of them.")
  var concurrency = 4

  func validate() throws {
    guard flushPoints > 0, flushBytes.bytes > 0, requestPoints > 0, requestBytes.bytes > 0 else {
      throw ValidationError("--flush-points, --flush-bytes, --request-points and --request-bytes must be above zero")
    }
    guard (1...64).contains(concurrency) else { throw ValidationError("--concurrency must be 1 to 64") }
  }

  var policy: FlushPolicy { FlushPolicy(rows: flushPoints, bytes: flushBytes.bytes, linger: linger.duration) }
  var limits: WriteLimits { WriteLimits(points: requestPoints, bytes: requestBytes.bytes, concurrency: concurrency) }

  /// - Throws: `Failure(.configuration)` that names what is wrong.
  func encoder() throws(Failure) -> PointEncoder {
    let standard = PointMapping.bars
    var (tags, fields) = (standard.tags, standard.fields)
    if !tag.isEmpty { tags = try tag.map { text throws(Failure) in try PointMapping.Tag(parsing: text) } }
    if !field.isEmpty { fields = try field.map { text throws(Failure) in try PointMapping.Field(parsing: text) } }
    let mapping = PointMapping(
      measurement: measurement, tags: tags, fields: fields, times: time.isEmpty ? standard.times : time)
    return try PointEncoder(mapping, zone: try ZoneTable(identifier: timeZone))
  }
}

/// What influx-consumer counts beyond what every consumer counts.
struct InfluxMetrics: Sendable {
  private let requests = Counter(label: "souk_influx_requests_total")
  private let refused = Counter(label: "souk_influx_points_refused_total")
  private let outsideRetention = Counter(label: "souk_influx_points_outside_retention_total")
  private let latency = Recorder(label: "souk_influx_queryable_seconds")

  static let descriptions = [
    MetricDescription("souk_influx_requests_total", .counter, "Bodies of points that the server answered."),
    MetricDescription(
      "souk_influx_points_refused_total", .counter, "Points the server refused; their records are dead letters."),
    MetricDescription(
      "souk_influx_points_outside_retention_total", .counter,
      "Points the server dropped because they are older than it keeps."),
    MetricDescription(
      "souk_influx_queryable_seconds", .histogram, "From a record's timestamp until its point can be queried.",
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]),
  ]

  func wrote(_ outcome: PointWriter.Outcome) {
    requests.increment(by: outcome.requests)
    if !outcome.refused.isEmpty { refused.increment(by: outcome.refused.count) }
    if outcome.outsideRetention > 0 { outsideRetention.increment(by: outcome.outsideRetention) }
  }

  /// - Parameters:
  ///   - produced: milliseconds since 1970 of each record, below zero when unknown.
  ///   - now: the same, when they could be queried.
  func queryable(_ produced: [Int64], at now: Int64) {
    for stamp in produced where stamp >= 0 { latency.record(Double(max(0, now - stamp)) / 1_000) }
  }
}
