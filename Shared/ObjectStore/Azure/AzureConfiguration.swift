import Core
import HTTP

/// A container of Azure Blob Storage and how to use it.
package struct AzureConfiguration: Sendable {
  /// The name of the storage account; signed with every request.
  package var account: String
  /// `https://<account>.blob.core.windows.net`, or of an emulator `http://127.0.0.1:10000/<account>`.
  package var endpoint: HTTPURL
  package var container: String
  /// Put before every key; no slash at either end; empty for none.
  package var prefix = ""
  package var credential: AzureCredential
  /// `Hot`, `Cool`, `Cold` or `Archive`, of new blobs; nil for the account's own.
  package var tier: String?
  /// An existing blob is never replaced: one of the same bytes counts as stored, another is refused.
  package var createsOnce = false
  /// How long no account can delete or change a record (``ObjectBody/isRecord``): a locked immutability policy of the
  /// blob's version.
  package var lock: Duration?
  /// Larger bodies are sent in blocks.
  package var blockThreshold = 64 << 20
  /// Bytes of a block; grows so that there are at most 50,000 (Azure's limit).
  package var blockBytes = 16 << 20
  /// For one request, one block of a large body.
  package var timeout = Duration.seconds(120)

  package init(account: String, endpoint: HTTPURL, container: String, credential: AzureCredential) {
    self.account = account
    self.endpoint = endpoint
    self.container = container
    self.credential = credential
  }

  /// The URL of a blob (nil: of the container), its path percent-encoded once.
  /// - Parameter query: names and values, not encoded.
  func url(key: String?, query: [(String, String)]) throws(HTTPError) -> HTTPURL {
    let base = endpoint.path.hasSuffix("/") ? String(endpoint.path.dropLast()) : endpoint.path
    let path = "\(base)/\(container)" + (key.map { "/" + PercentEncoding.encode($0, keepingSlash: true) } ?? "")
    var parts = query.map { "\(PercentEncoding.encode($0.0))=\(PercentEncoding.encode($0.1))" }
    if case .sas(let token) = credential { parts.append(token) }
    return try HTTPURL(
      endpoint.origin + path + (parts.isEmpty ? "" : "?" + parts.joined(separator: "&")), pathAsIs: true)
  }
}

/// What proves the right to use a container. Its description shows nothing of it.
package enum AzureCredential: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The key of the account: signs every request.
  case key([UInt8])
  /// A shared access signature: goes with every request as it is, without a question mark.
  case sas(String)
  /// A token of the identity goes with every request.
  case identity(AzureIdentity)

  package var description: String {
    switch self {
    case .key: "account key ***"
    case .sas: "shared access signature ***"
    case .identity(let identity): identity.place.name
    }
  }
  package var debugDescription: String { description }
}

/// The signature "SharedKey" of Azure Storage, for its API of 2015-02-21 and later (learn.microsoft.com/rest/api/
/// storageservices/authorize-with-shared-key). Pure: the time is given.
enum SharedKey {
  /// The version of the API that is spoken: the first that knows the tier Cold.
  static let version = "2021-12-02"

  /// `headers` with the version, the date and the authorization.
  /// - Parameters:
  ///   - path: percent-encoded, as it is sent.
  ///   - query: names and values, not encoded.
  ///   - seconds: since 1970.
  static func sign(
    method: String, account: String, key: [UInt8], path: String, query: [(String, String)], headers: HTTPHeaders,
    length: Int, at seconds: Int64
  ) -> HTTPHeaders {
    var signed = headers
    signed["x-ms-version"] = version
    signed["x-ms-date"] = CivilDate.httpText(seconds)
    // The headers of the standard, by place; `Date` is empty because `x-ms-date` counts.
    let standard = [
      "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
      "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
    ].map { name in name == "content-length" ? (length == 0 ? "" : "\(length)") : signed[name] ?? "" }
    let own = signed.fields.map { ($0.name.lowercased(), $0.value) }.filter { $0.0.hasPrefix("x-ms-") }
      .sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }.map { "\($0.0):\($0.1)\n" }.joined()
    let asked = query.map { ($0.0.lowercased(), $0.1) }.sorted { $0.0 < $1.0 }.map { "\n\($0.0):\($0.1)" }.joined()
    let text = "\(method)\n\(standard.joined(separator: "\n"))\n\(own)/\(account)\(path)\(asked)"
    signed["authorization"] = "SharedKey \(account):\(Base64.encode(SHA256.authenticate(text, key: key)))"
    return signed
  }
}
