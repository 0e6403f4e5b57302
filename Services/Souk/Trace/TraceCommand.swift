import ArgumentParser
import Catalogue
import Core
import Influx
import InfluxFlags
import Kafka
import ObjectStore
import ObjectStoreFlags
import Operations
import Postgres
import ServiceKit

/// `souk trace`
struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Follow one record across the topics to where it ended.",
    discussion: """
      Looks through the topics of a system, dead letters included, for records with this key, file name, id of a file \
      or batch, or trace, and for all records of the same traces. Prints them in the order of time: what was produced \
      where, how long after the one before, which groups have read it, and why it was dead-lettered. With \
      --database-url it asks the tables of db-writer what they have of the files, with --objects the object store, \
      with --points InfluxDB. What was not looked at is said. Reads in no group and commits nothing.

      Examples:
        souk trace PriceFull7290027600007-001-202603021000.gz --system prices
        souk trace 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 --from 1d
        souk trace COMI --system egx --objects --object-store s3://market --points --influx-database egx
        souk trace shufersal/29 --from 2026-03-02T06:00:00Z --database-url postgresql://souk@db/souk -o json
      """)

  @Argument(help: ArgumentHelp(
    "A key, the name of a file, the id of a file or batch, a trace id, or a traceparent.", valueName: "record"))
  var record: String
  @Option(help: "Only the topics of this system.") var system: FleetSystem?
  @Option(help: ArgumentHelp(
    "Records since then: 2h (so long ago), an RFC 3339 time, or 'earliest' (default: 1h).", valueName: "time"))
  var from: TapStart?
  @Option(help: ArgumentHelp("The most records to print, the first in time; others are counted.", valueName: "records"))
  var limit = 200
  @Flag(inversion: .prefixedNo, help: "Also records of the same traces as those that match.") var traces = true
  @Option(name: .customLong("database-url"), help: ArgumentHelp(
    "The database of db-writer: postgresql://user:password@host/database.", valueName: "url"))
  var databaseURL: String?
  @OptionGroup var ends: EndOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup(title: "Object store") var store: ObjectStoreOptions
  @OptionGroup(title: "InfluxDB") var influx: InfluxOptions
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func validate() throws {
    if record.isEmpty { throw ValidationError("what is to be traced is empty") }
    if limit < 1 { throw ValidationError("--limit must be at least 1") }
    if let databaseURL { _ = try PostgresConfiguration(url: databaseURL, applicationName: "souk").parameters() }
    if ends.objects { try store.makeStore().close() }
    if ends.points { _ = try influx.configuration() }
  }

  func run() async throws {
    let report = try await trace(try Cluster(kafka))
    output.print(report.report)
    if report.isEmpty {
      throw Failure(.data, code: "no_records", "no record of '\(record)' was found; --from looks further back")
    }
  }

  func trace(_ cluster: Cluster) async throws -> TraceReport {
    let since = from?.milliseconds ?? Moment.ago(.seconds(3_600)).milliseconds
    let scan = try await TraceScan(
      cluster: cluster, topics: TopicsCommand.chosen(system).map(\.name), since: since, limit: limit)
    let target = TraceTarget(record)
    var found = try await scan.find { target.match($0) }
    let followed = Set(found.hits.compactMap(\.trace)).subtracting(target.traceID.map { [$0] } ?? [])
    if traces, !followed.isEmpty {
      found = try await scan.find { record in
        target.match(record) ?? (TraceHit.traceID(record).map { followed.contains($0) } == true ? "same trace" : nil)
      }
    }
    var report = TraceReport(hits: found.hits, left: found.left, since: since)
    report.notRead = scan.missing.map { "\($0): the cluster has no such topic" } + found.failed
    let services = system?.services ?? ServiceCatalogue.all
    report.readers = try await cluster.readers(of: found.hits, among: services)
    report.files = try await files(found.hits)
    if ends.objects {
      let store = try store.makeStore()
      defer { store.close() }
      report.ends += try await StoredObjects(store: store).ends(of: found.hits)
    }
    if ends.points {
      let client = try InfluxClient(try influx.configuration())
      defer { client.close() }
      report.ends += try await StoredPoints(client: client).ends(of: found.hits)
    }
    report.notAsked = notAsked(found.hits, services, report.files)
    return report
  }

  /// - Returns: nil when the tables were not asked.
  private func files(_ hits: [TraceHit]) async throws -> [StoredFiles.File]? {
    guard let databaseURL else { return nil }
    // The first 32 digits of the id of a batch are those of its file.
    let ids = Set((hits.compactMap(\.fileID) + [String(record.prefix { $0 != "-" })]).filter { id in
      id.utf8.count == 32 && id.allSatisfy { $0.isASCII && $0.isHexDigit }
    })
    let names = Set(hits.compactMap(\.fileName) + [record])
    return try await StoredFiles(databaseURL).files(ids: ids.sorted(), names: names.sorted(), most: limit)
  }

  /// Where the records' readers write to, and what was not looked into there.
  private func notAsked(_ hits: [TraceHit], _ services: [ServiceEntry], _ files: [StoredFiles.File]?) -> [String] {
    let topics = Set(hits.map(\.place.topic))
    var lines: [String] = []
    for service in services {
      let reads = service.inputs.contains { topics.contains($0.name) }
      guard reads, let sink = service.sink, sink != .kafka else { continue }
      let advice: String? = switch service.name {
      case "db-writer" where databaseURL == nil: ": --database-url asks it"
      case "db-writer": files == nil ? ": the database has none of its tables" : nil
      case "s3-consumer": ends.objects ? nil : ": --objects asks it"
      case "influx-consumer": ends.points ? nil : ": --points asks it"
      default: ""
      }
      if let advice { lines.append("\(sink.title), where \(service.name) writes\(advice)") }
    }
    if !ends.objects, hits.contains(where: { $0.object != nil }) {
      lines.append("the object store: whether an object that a record names is there: --objects asks it")
    }
    if ends.points, hits.contains(where: { $0.bar.map { $0.time == nil } ?? false }) {
      lines.append("InfluxDB for bars without observed_at")
    }
    return lines
  }
}

extension Cluster {
  struct Readers: Hashable, Sendable {
    var done: [String] = []
    var waited: [String] = []
  }

  /// Of each record the groups that have committed it, and those that have not yet.
  fileprivate func readers(of hits: [TraceHit], among services: [ServiceEntry]) async throws
    -> [TraceHit: Readers]
  {
    var readers: [TraceHit: Readers] = [:]
    for group in services.flatMap(\.groups) {
      let inputs = Set(group.inputs.map(\.name))
      let read = hits.filter { inputs.contains($0.place.topic) }
      let committed = try await admin.committed(group: group.name, Set(read.map(\.place)))
      for hit in read {
        let isDone = (committed[hit.place]?.offset ?? 0) > hit.offset
        if isDone {
          readers[hit, default: Readers()].done.append(group.name)
        } else {
          readers[hit, default: Readers()].waited.append(group.name)
        }
      }
    }
    return readers
  }
}
