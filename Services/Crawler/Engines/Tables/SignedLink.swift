import Foundation
import Schemas

/// Links to Azure blobs that carry a shared access signature.
enum SignedLink {
  /// When the link stops working: its `se` parameter ("signed expiry", ISO 8601 in UTC); nil without one.
  static func expiry(of link: String) -> Timestamp? {
    URLComponents(string: link)?.queryItems?.first { $0.name == "se" }?.value.flatMap { Timestamp($0) }
  }
}
