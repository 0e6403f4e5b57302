import Markets
import Schemas

/// One job of one run, and when it is due.
package struct DueJob: Hashable, Sendable {
  /// Seconds since 1970.
  package var dueAt: Int64
  /// The run it belongs to: the time of the cron, before its spread.
  package var runAt: Int64
  /// Its schedule's and series' places in the plan.
  var schedule: Int
  var series: Int
}
