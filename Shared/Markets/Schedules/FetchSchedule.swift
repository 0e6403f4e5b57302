import Runtime
import Schemas

/// What is fetched when: one task for every pair of a material and a country it chooses, at every time of its cron.
package struct FetchSchedule: Hashable, Sendable {
  package var name: String
  package var task: IngestionTask.Kind
  package var materials: MaterialChoice
  package var countries: CountryChoice
  /// The provider to ask first.
  package var source: String?
  package var cron: CronExpression
  /// The IANA name of the zone whose clock the cron reads.
  package var zone: String
  /// How long after its due time a job is still wanted; nil: for ever.
  package var deadline: Duration?
  package var missed: MissedRuns
  /// The most runs that are caught up.
  package var missedLimit: Int
  /// Jobs of one run are due over this length of time instead of at once; each series always at the same place.
  package var spread: Duration
  /// Where it is written, for errors.
  package var line: Int

  package static let defaultMissedLimit = 24

  package init(
    name: String, task: IngestionTask.Kind, materials: MaterialChoice = .all, countries: CountryChoice = .all,
    source: String? = nil, cron: CronExpression, zone: String = "UTC", deadline: Duration? = nil,
    missed: MissedRuns = .catchUp, missedLimit: Int = defaultMissedLimit, spread: Duration = .zero, line: Int = 1
  ) {
    self.name = name
    self.task = task
    self.materials = materials
    self.countries = countries
    self.source = source
    self.cron = cron
    self.zone = zone
    self.deadline = deadline
    self.missed = missed
    self.missedLimit = missedLimit
    self.spread = spread
    self.line = line
  }
}
