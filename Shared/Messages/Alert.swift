import Catalogue
import Values

/// Something a person should look at.
///
/// `souk.alerts`, key `service/subject`. The same finding on the same occasion has the same id, however often and
/// by whichever replica it is made: readers that keep one alert per id see it once.
package struct Alert: FieldwiseMessage {
  /// What was found; the raw values are what readers route by. A kind may be added at any time.
  package struct Kind: RawRepresentable, Hashable, Sendable, JSONValue {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }

    /// A portal lists nothing where it listed files before.
    package static let listingEmpty = Kind(rawValue: "listing_empty")
    /// A listing has a column or field that the catalogue does not describe, or lacks one that is needed.
    package static let listingUnknownColumn = Kind(rawValue: "listing_unknown_column")
    /// A page for people, such as a login, in the place of a listing.
    package static let listingLoginPage = Kind(rawValue: "listing_login_page")
    /// The portal, or the way to it, refuses this crawler: a certificate that does not verify, 401, 403.
    package static let listingRefused = Kind(rawValue: "listing_refused")
    /// A listing in a form that cannot be read.
    package static let listingUnreadable = Kind(rawValue: "listing_unreadable")
    /// A listing that was cut by the portal and could not be completed.
    package static let listingCut = Kind(rawValue: "listing_cut")
    /// The link to a file keeps expiring before the file is fetched.
    package static let linkExpires = Kind(rawValue: "link_expires")
    /// A file has far fewer rows than its store's files used to have.
    package static let rowsFell = Kind(rawValue: "rows_fell")
  }

  package enum Severity: String, CaseIterable, Hashable, Sendable, JSONValue { case warning, critical }

  package var alertID: String
  package var kind: Kind
  package var severity: Severity
  package var service: String
  package var chain: String?
  package var subject: String
  package var message: String
  package var value: ExactDecimal?
  package var expected: ExactDecimal?
  package var observedAt: Timestamp

  package static let topic = Topics.alerts

  /// - Parameter occasion: what makes the same finding a new one, such as the day (`2025-01-20`) or a file's id.
  package init(
    kind: Kind, severity: Severity, service: String, chain: String? = nil, subject: String, occasion: String,
    message: String, value: ExactDecimal? = nil, expected: ExactDecimal? = nil, observedAt: Timestamp
  ) {
    alertID = "\(kind.rawValue)/\(subject)/\(occasion)"
    self.kind = kind
    self.severity = severity
    self.service = service
    self.chain = chain
    self.subject = subject
    self.message = message
    self.value = value
    self.expected = expected
    self.observedAt = observedAt
  }

  package var key: [UInt8] { RecordKey.bytes(chain: service, subject) }

  package static let blank = Self(
    kind: Kind(rawValue: ""), severity: .warning, service: "", subject: "", occasion: "", message: "",
    observedAt: .epoch)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("alert_id", &alertID, "`<kind>/<subject>/<occasion>`: the same occasion gives the same id")
    try coder.required("kind", &kind, "What it warns of, in `snake_case`")
    try coder.required("severity", &severity, "How urgent it is")
    try coder.required("service", &service, "The service that says so")
    try coder.field("chain", &chain, "The chain it is about")
    try coder.required("subject", &subject, "What it is about: a source, a file, a store")
    try coder.field("message", &message, "The alert in words; it holds no payload")
    try coder.number("value", &value, "The number that was seen")
    try coder.number("expected", &expected, "The number that was expected")
    try coder.required("observed_at", &observedAt, "When it was seen")
  }
}
