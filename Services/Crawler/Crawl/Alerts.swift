import Catalogue
import Core
import Foundation
import Kafka
import Logging
import Messages
import Pipeline
import Values

/// A change or defect of a source that an operator should look at.
struct Finding: Sendable {
  var kind: Alert.Kind
  var severity: Alert.Severity
  /// The source's label, or a file.
  var source: String
  var chain: String?
  /// Distinguishes findings of one kind and source, such as the column.
  var detail: String?
  var message: String
  var value: Int?
  var expected: Int?
}

/// Raises each finding once a day on `souk.alerts`. An alert's id is the same in every replica and after a restart.
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

  /// Never fails: an alert that cannot be sent is logged, and raised again at the next finding.
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

/// Finds changes of a portal in the report of a finished pass.
enum Drift {
  /// - Parameters:
  ///   - rowsBefore: rows of the last pass that found any; nil without one.
  ///   - isExpectedEmpty: a portal shows nothing outside its active hours.
  static func findings(
    in report: Pass.Report, source: String, chain: String?, rowsBefore: Int?, isExpectedEmpty: Bool
  ) -> [Finding] {
    var findings = report.unknownColumns.sorted().map { column in
      Finding(
        kind: .listingUnknownColumn, severity: .warning, source: source, chain: chain, detail: column,
        message: column.hasPrefix("-")
          ? "the listing no longer has the column '\(column.dropFirst())'"
          : "the listing has an unknown column: '\(column)'")
    }
    if let failure = report.failure, let finding = finding(failure, source, chain) { findings.append(finding) }
    if report.failure == nil, report.rows == 0, let rowsBefore, rowsBefore > 0, !isExpectedEmpty {
      findings.append(Finding(
        kind: .listingEmpty, severity: .critical, source: source, chain: chain,
        message: "the portal lists no files; before, it listed \(rowsBefore)", value: 0, expected: rowsBefore))
    }
    if report.isCut {
      findings.append(Finding(
        kind: .listingCut, severity: .warning, source: source, chain: chain,
        message: "the portal cut its listing and the answers to narrower queries: files may be missing"))
    }
    return findings
  }

  /// By the error's code, because engines have different error types.
  private static func finding(_ error: any Error, _ source: String, _ chain: String?) -> Finding? {
    guard let error = error as? any ClassifiedError else { return nil }
    if let advice = refusals[error.code] {
      return Finding(
        kind: .listingRefused, severity: .critical, source: source, chain: chain,
        message: "the portal refuses to list its files: \(error). What to do: \(advice)")
    }
    guard let kind = kinds[error.code] else { return nil }
    return Finding(kind: kind, severity: .critical, source: source, chain: chain, message: "\(error)")
  }

  /// What to do about errors that do not pass by waiting, by the error's code.
  private static let refusals: [String: String] = {
    let blocked = "ask from an Israeli address or through one (--fetch-proxy), with `user_agent: browser` in the "
      + "chain's row, and less often (`interval`, `request_gap`) when the portal has blocked this address"
    return [
      "certificate_refused": "when the portal sends its certificate without the intermediate one, append that "
        + "(PEM, from its issuer) to a copy of the system's authorities and name the copy with --fetch-ca-file, here "
        + "and at the downloader; when the certificate has expired or is another host's, only the portal can mend it",
      "http_401": "check user and password of the chain's row", "http_403": blocked, "http_451": blocked,
      "unknown_chain_id": "check the `ids` of the chain's row in the catalogue: the portal has none of them",
    ]
  }()

  private static let kinds: [String: Alert.Kind] = [
    "html_instead_of_json": .listingLoginPage, "login_page": .listingLoginPage, "login_refused": .listingLoginPage,
    "session_expired": .listingLoginPage, "portal_refused": .listingLoginPage,
    "invalid_json": .listingUnreadable, "unknown_listing_shape": .listingUnreadable,
    "unknown_listing_page": .listingUnreadable, "login_page_changed": .listingUnreadable,
    "html_empty": .listingUnreadable, "html_unreadable": .listingUnreadable,
  ]
}

/// Publishes announcements and alerts.
package protocol Announcer: Sendable {
  /// Returns when every announcement is acknowledged.
  /// - Throws: `ClassifiedError`; any of them may have arrived, and the caller repeats all.
  func announce(_ files: [FileDiscovered]) async throws

  /// Returns when every alert is acknowledged.
  func raise(_ alerts: [Alert]) async throws
}

/// Announces on `gogobe.files.discovered` and `souk.alerts`.
struct KafkaAnnouncer: Announcer {
  let producer: Producer
  let identity: ServiceIdentity

  func announce(_ files: [FileDiscovered]) async throws { try await send(files, at: \.timestamp) }
  func raise(_ alerts: [Alert]) async throws { try await send(alerts, at: \.observedAt) }

  private func send<Content: Message>(_ messages: [Content], at time: KeyPath<Content, Timestamp>) async throws {
    var batch = OutgoingBatch()
    for message in messages {
      // Each begins a trace: that of one file.
      batch.append(
        topic: Content.topic.name, key: message.key, value: message.encoded(),
        headers: identity.headers(schema: Content.topic.schema),
        timestamp: message[keyPath: time].microseconds / 1_000, partitionBy: message.partitionKey)
    }
    try await producer.send(batch)
  }
}
