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
    guard let error = error as? any ClassifiedError else { return nil }
    if let advice = refusals[error.code] {
      return Finding(
        kind: .listingRefused, severity: .critical, source: source, chain: chain,
        message: "the portal refuses to list its files: \(error). What to do: \(advice)")
    }
    guard let kind = kinds[error.code] else { return nil }
    return Finding(kind: kind, severity: .critical, source: source, chain: chain, message: "\(error)")
  }

  /// What to do about what does not pass by waiting, by the error's code.
  private static let refusals: [String: String] = {
    let stranger = "ask from an Israeli address or through one (--fetch-proxy), with `user_agent: browser` in the "
      + "chain's row, and less often (`interval`, `request_gap`) when the portal has blocked this address"
    return [
      "certificate_refused": "when the portal sends its certificate without the intermediate one, append that "
        + "(PEM, from its issuer) to a copy of the system's authorities and name the copy with --fetch-ca-file, here "
        + "and at the downloader; when the certificate has expired or is another host's, only the portal can mend it",
      "http_401": "check user and password of the chain's row", "http_403": stranger, "http_451": stranger,
      "unknown_chain_id": "check the `ids` of the chain's row in the catalogue: the portal serves none of them",
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
