import Core
import Values

/// Whether a link has a signature, and when it expires. Pure.
///
/// Portals that keep their files in a cloud store publish signed links, valid for about half an hour. When such a link
/// is refused, the file still exists under a new link.
package struct SignedLink: Hashable, Sendable {
  package var isSigned = false
  /// nil without an expiry, or with one of unknown form.
  package var expiresAt: Timestamp?

  /// Parameters that hold a signature: those of Azure, Amazon (both versions), Google and others.
  private static let signatures: Set<String> = [
    "sig", "x-amz-signature", "x-goog-signature", "signature", "token", "hmac",
  ]

  /// - Parameter query: percent-encoded, without `?`.
  package init(query: String?) {
    var values: [String: String] = [:]
    for item in (query ?? "").split(separator: "&") {
      let sides = item.split(separator: "=", maxSplits: 1)
      guard sides.count == 2 else { continue }
      values[sides[0].lowercased()] = PercentEncoding.decode(sides[1], strict: false)
    }
    isSigned = values.keys.contains { Self.signatures.contains($0) }
    if let text = values["se"] {
      expiresAt = Timestamp(text)
    } else if let seconds = values["expires"].flatMap({ Int64($0) }) {
      expiresAt = Self.timestamp(seconds: seconds)
    } else {
      for cloud in ["x-amz", "x-goog"] {
        guard let start = values["\(cloud)-date"].flatMap(Self.basicTime), let life = values["\(cloud)-expires"],
              let seconds = Int64(life), seconds >= 0, seconds < 1 << 32 else { continue }
        expiresAt = Timestamp(microseconds: start.microseconds + seconds * 1_000_000)
      }
    }
  }

  /// `20260102T030405Z`.
  private static func basicTime(_ text: String) -> Timestamp? {
    let digits = Array(text)
    guard digits.count == 16 else { return nil }
    func part(_ from: Int, _ to: Int) -> String { String(digits[from..<to]) }
    return Timestamp("\(part(0, 4))-\(part(4, 6))-\(part(6, 11)):\(part(11, 13)):\(part(13, 16))")
  }

  private static func timestamp(seconds: Int64) -> Timestamp? {
    seconds > 0 && seconds < 1 << 40 ? Timestamp(microseconds: seconds * 1_000_000) : nil
  }
}
