import Runtime
import Schemas

/// What to crawl for and how often.
package struct CrawlSettings: Sendable {
  package var types: Set<FileType> = Set(FileType.allCases)
  /// Files made before this are skipped, as if they were not listed.
  package var since: Timestamp?
  /// One pass over every source, then the end.
  package var once = false
  package var interval: Duration = .seconds(300)
  /// The interval varies by this share in both directions, so that many crawlers do not ask in step.
  package var jitter = 0.1
  /// New files of one pass; more are left for the next.
  package var maxFiles = 200_000
  /// Announcements acknowledged and marked at a time.
  package var chunk = 500
  /// Passes tried before `once` gives a source up.
  package var onceAttempts = 3
  package var backoff = Backoff(base: .seconds(1), cap: .seconds(300))
  /// How long a source's loop may stand still within a pass: every try of one request included.
  package var longestStep: Duration = .seconds(900)

  package init() {}
}
