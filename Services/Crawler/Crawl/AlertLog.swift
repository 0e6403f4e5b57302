import Foundation
import Logging
import Runtime
import Schemas

/// Something about a source that a person should look at.
struct Finding: Sendable {
  var kind: Alert.Kind
  var severity: Alert.Severity
  /// What it is about: the source's label, or a file.
  var source: String
  var chain: String?
  /// What tells findings of one kind and source apart, such as the column.
  var detail: String?
  var message: String
  var value: Int?
  var expected: Int?
}

/// Raises each finding once a day on `souk.alerts`; its id is the same in every replica and after a restart.
package actor AlertLog {
  private let announcer: any Announcer
  private let logger: Logger
  private let now: @Sendable () -> Date
  private var day = ""
  private var raised: Set<String> = []

  package init(announcer: any Announcer, logger: Logger, now: @escaping @Sendable () -> Date = { Date() }) {
    self.announcer = announcer
    self.logger = logger
    self.now = now
  }

  /// Never fails: an alert that cannot be sent is logged, and raised again when it is found again.
  func raise(_ finding: Finding) async {
    CrawlerMetrics.drift(finding.chain ?? finding.source, finding.kind.rawValue)
    guard let time = Timestamp(microseconds: Int64(now().timeIntervalSince1970) * 1_000_000) else { return }
    let today = String("\(time)".prefix(10))
    if today != day { (day, raised) = (today, []) }
    let subject = finding.detail.map { "\(finding.source)/\($0)" } ?? finding.source
    let alert = Alert(
      kind: finding.kind, severity: finding.severity, service: "crawler", chain: finding.chain, subject: subject,
      occasion: today, message: finding.message, value: finding.value.flatMap { ExactDecimal("\($0)") },
      expected: finding.expected.flatMap { ExactDecimal("\($0)") }, observedAt: time)
    guard raised.insert(alert.alertID).inserted else { return }
    logger.warning("alert", metadata: [
      "alert": "\(alert.alertID)", "severity": "\(finding.severity.rawValue)", "message": "\(finding.message)",
    ])
    do {
      try await announcer.raise([alert])
    } catch {
      raised.remove(alert.alertID)
      logger.error("an alert could not be sent", metadata: ["alert": "\(alert.alertID)", "error": "\(error)"])
    }
  }
}
