/// What is wrong with a cron, and in which field.
package struct CronError: Error, Hashable, CustomStringConvertible {
  package var description: String
}
