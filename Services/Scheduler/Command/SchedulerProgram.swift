import ArgumentParser
import Runtime
import Schemas
import ServiceKit

/// `scheduler`: without a subcommand, sends what is due; `plan` says what would be, `replay` sends what was.
package struct SchedulerProgram: ServiceProgram {
  package static let configuration = CommandConfiguration(
    commandName: ServiceCatalogue.scheduler.name,
    abstract: "Announces what is due to be fetched, each job once, whichever replica is active.",
    version: Souk.version, subcommands: [ScheduleCommand.self, PlanCommand.self, ReplayCommand.self],
    defaultSubcommand: ScheduleCommand.self)

  package init() {}
}
