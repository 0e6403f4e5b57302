import Core
import Foundation
import HTTP
import ObjectStore
import Values

/// What the sources of credentials share: small files, and documents of keys and their end.
enum CredentialFile {
  /// A token, without the blanks around it.
  static func text(_ path: String, named flag: String) throws(ObjectStoreError) -> String {
    let bytes: [UInt8]
    do { bytes = try readFile(path, limit: 1 << 20) } catch {
      throw ObjectStoreError(.invalidSetting, "\(flag): \(error.message)")
    }
    let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    guard !text.isEmpty else { throw ObjectStoreError(.invalidSetting, "\(flag): \(path) is empty") }
    return text
  }

  /// `2025-01-20T01:05:00Z`, fractions of a second allowed, as seconds since 1970.
  static func seconds(_ text: String) -> Int64? {
    Timestamp(text).map { $0.microseconds.flooredDivision(by: 1_000_000).quotient }
  }

  /// The document that container and instance endpoints answer with.
  struct Document: Decodable {
    var AccessKeyId: String
    var SecretAccessKey: String
    var Token: String?
    var Expiration: String?
    var Code: String?
  }

  static func issued(_ answer: HTTPResponse, by name: String) throws(ObjectStoreError) -> Issued<S3Credentials> {
    guard answer.head.isSuccess else {
      let kind: ObjectStoreError.Kind = HTTPError.isTransient(status: answer.status) ? .unavailable : .badCredentials
      throw ObjectStoreError(kind, "\(name) answered \(answer.status)")
    }
    let found: Document
    do { found = try JSONDecoder().decode(Document.self, from: Data(answer.body)) } catch {
      throw ObjectStoreError(.protocolViolated, "\(name) answered without credentials")
    }
    guard (found.Code ?? "Success") == "Success" else {
      throw ObjectStoreError(.badCredentials, "\(name) has no credentials: \(found.Code ?? "")")
    }
    let expiry = found.Expiration.map(seconds)
    if case .some(nil) = expiry {
      throw ObjectStoreError(.protocolViolated, "\(name) answered with an end that is no time")
    }
    return Issued(
      S3Credentials(
        accessKeyID: found.AccessKeyId, secretAccessKey: found.SecretAccessKey, sessionToken: found.Token),
      expiresAt: expiry ?? nil)
  }
}
