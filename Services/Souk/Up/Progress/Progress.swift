import Catalogue
import Core
import Kafka
import LocalServers
import Operations

/// Reads how far every stage is: counters from its processes, lags from the brokers.
struct Progress: Sendable {
  let fleet: Fleet
  let cluster: Cluster
  let system: FleetSystem
  /// How many sources the service passes over that begins the flow.
  let sources: Int
  private var scraper = Scraper()
  private var lags = LastLags()

  init(fleet: Fleet, cluster: Cluster, system: FleetSystem, sources: Int) {
    self.fleet = fleet
    self.cluster = cluster
    self.system = system
    self.sources = sources
  }

  /// - Throws: `KafkaError` of class configuration. While brokers come and go, the last known lags are shown.
  mutating func read() async throws -> FleetReading {
    var reading = FleetReading()
    // One group that does not answer is a sign of what the others will do: the table is not kept waiting for each.
    var limit: Duration = .seconds(4)
    for service in system.services {
      let supervisors = fleet.supervisors.filter { $0.plan.service == service.name }
      // The lag first: records that come in later only make the counters larger than the lag knew.
      let lag = try await lag(of: service, within: &limit)
      for supervisor in supervisors where supervisor.isRunning {
        let answer = await LoopbackHTTP.shared.get(
          port: supervisor.plan.httpPort, path: "/metrics", timeout: .seconds(2))
        if let answer, answer.status == 200 { scraper.observe(supervisor.plan.name, answer.body) }
      }
      // In flow order, so this is known before any lag is read: what a finished pass found is in its topic.
      if service.isSource {
        reading.sourcePassed = scraper.passedSources(supervisors.map(\.plan.name)) >= sources
      }
      var stage = scraper.stage(service.name, processes: supervisors.map(\.plan.name))
      stage.running = supervisors.count { $0.isRunning }
      (stage.lag, stage.lagAge) = (lag?.records, lag?.age)
      reading.stages.append(stage)
    }
    return reading
  }

  private mutating func lag(
    of service: ServiceEntry, within limit: inout Duration
  ) async throws -> (records: Int, age: Duration?)? {
    guard !service.groups.isEmpty, !service.isSource else { return nil }
    let filled = system.inputs(of: service)
    var sum = 0
    for group in service.groups {
      let topics = group.inputs.filter(filled.contains).map(\.name)
      do throws(KafkaError) {
        sum += try await cluster.lag(group: group.name, topics: topics, within: limit)
      } catch {
        if error.errorClass != .transient { throw error }
        limit = .milliseconds(500)
        return lags.observe(service.name, nil, now: .now)
      }
    }
    return lags.observe(service.name, sum, now: .now)
  }
}

/// The last lag of each service that the brokers have told.
struct LastLags: Sendable {
  private var known: [String: (records: Int, at: ContinuousClock.Instant)] = [:]

  /// - Parameter lag: nil when the brokers did not answer.
  /// - Returns: the last known lag, with its age where it is not of now; nil when none was ever told.
  mutating func observe(
    _ service: String, _ lag: Int?, now: ContinuousClock.Instant
  ) -> (records: Int, age: Duration?)? {
    if let lag {
      known[service] = (lag, now)
      return (lag, nil)
    }
    return known[service].map { ($0.records, now - $0.at) }
  }
}
