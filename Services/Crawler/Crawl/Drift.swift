import Runtime
import Schemas

/// What a finished pass says about the portal itself.
enum Drift {
  /// - Parameters:
  ///   - rowsBefore: rows of the last pass that found any; nil when there was none.
  ///   - isExpectedEmpty: outside its active hours a portal shows nothing.
  static func findings(
    in report: Pass.Report, source: String, chain: String?, rowsBefore: Int?, isExpectedEmpty: Bool
  ) -> [Finding] {
    var findings = report.unknownColumns.sorted().map { column in
      Finding(
        kind: .listingUnknownColumn, severity: .warning, source: source, chain: chain, detail: column,
        message: column.hasPrefix("-")
          ? "the listing no longer has the column '\(column.dropFirst())'"
          : "the listing has a column nobody knows: '\(column)'")
    }
    if let failure = report.failure, let finding = finding(failure, source, chain) { findings.append(finding) }
    if report.failure == nil, report.rows == 0, let rowsBefore, rowsBefore > 0, !isExpectedEmpty {
      findings.append(Finding(
        kind: .listingEmpty, severity: .critical, source: source, chain: chain,
        message: "the portal lists nothing, where it listed \(rowsBefore) files before", value: 0,
        expected: rowsBefore))
    }
    if report.isCut {
      findings.append(Finding(
        kind: .listingCut, severity: .warning, source: source, chain: chain,
        message: "the portal cut its listing and narrower questions were cut too: files may be missing"))
    }
    return findings
  }

  /// By the error's code, because engines have errors of their own.
  private static func finding(_ error: any Error, _ source: String, _ chain: String?) -> Finding? {
    guard let error = error as? any ClassifiedError, let kind = kinds[error.code] else { return nil }
    return Finding(kind: kind, severity: .critical, source: source, chain: chain, message: "\(error)")
  }

  private static let kinds: [String: Alert.Kind] = [
    "html_instead_of_json": .listingLoginPage, "login_page": .listingLoginPage, "login_refused": .listingLoginPage,
    "session_expired": .listingLoginPage, "portal_refused": .listingLoginPage,
    "invalid_json": .listingUnreadable, "unknown_listing_shape": .listingUnreadable,
    "unknown_listing_page": .listingUnreadable, "login_page_changed": .listingUnreadable,
    "html_empty": .listingUnreadable, "html_unreadable": .listingUnreadable,
  ]
}
