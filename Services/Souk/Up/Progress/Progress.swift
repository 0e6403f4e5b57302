import LocalServers
import Schemas

/// Asks everybody where they are.
struct Progress: Sendable {
  let fleet: Fleet
  let cluster: Cluster
  let system: FleetSystem
  /// How many sources the service passes over that begins the flow.
  let sources: Int
  private var scraper = Scraper()

  init(fleet: Fleet, cluster: Cluster, system: FleetSystem, sources: Int) {
    self.fleet = fleet
    self.cluster = cluster
    self.system = system
    self.sources = sources
  }

  mutating func read() async -> FleetReading {
    var reading = FleetReading()
    for service in system.services {
      let supervisors = fleet.supervisors.filter { $0.plan.service == service.name }
      // The lag first: records that come in later only make the counters larger than the lag knew.
      let lag = await lag(of: service)
      for supervisor in supervisors where supervisor.isRunning {
        let answer = await LoopbackHTTP.shared.get(
          port: supervisor.plan.httpPort, path: "/metrics", timeout: .seconds(2))
        if let answer, answer.status == 200 { scraper.observe(supervisor.plan.name, answer.body) }
      }
      // In flow order, so this is known before any lag is read: what a finished pass found is in its topic.
      if service.isSource {
        reading.sourcePassed = supervisors.allSatisfy { scraper.passedSources($0.plan.name) >= sources }
      }
      var stage = scraper.stage(service.name, processes: supervisors.map(\.plan.name))
      stage.running = supervisors.count { $0.isRunning }
      stage.lag = lag
      reading.stages.append(stage)
    }
    return reading
  }

  private func lag(of service: ServiceEntry) async -> Int? {
    guard !service.groups.isEmpty, !service.isSource else { return nil }
    let filled = system.inputs(of: service)
    var lag = 0
    for group in service.groups {
      let topics = group.inputs.filter(filled.contains).map(\.name)
      guard let behind = try? await cluster.lag(group: group.name, topics: topics) else { return nil }
      lag += behind
    }
    return lag
  }
}
