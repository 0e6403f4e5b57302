import Core
import Foundation
import HTTP
import ObjectStore

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
    let digits = text.utf8.map { Int($0) - 0x30 }
    guard text.hasSuffix("Z"), digits.count >= 20,
      [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18].allSatisfy({ (0...9).contains(digits[$0]) })
    else { return nil }
    func two(_ index: Int) -> Int { digits[index] * 10 + digits[index + 1] }
    guard (1...12).contains(two(5)) else { return nil }
    return CivilDate.daysSinceEpoch(year: two(0) * 100 + two(2), month: two(5), day: two(8)) * 86_400
      + Int64(two(11) * 3600 + two(14) * 60 + two(17))
  }

  /// The document that container and instance endpoints answer with.
  struct Document: Decodable {
    var accessKeyID: String
    var secretAccessKey: String
    var token: String?
    var expiration: String?
    var code: String?

    enum CodingKeys: String, CodingKey {
      case accessKeyID = "AccessKeyId"
      case secretAccessKey = "SecretAccessKey"
      case token = "Token"
      case expiration = "Expiration"
      case code = "Code"
    }
  }

  static func issued(_ answer: HTTPResponse, by name: String) throws(ObjectStoreError) -> IssuedCredentials {
    guard answer.head.isSuccess else {
      let kind: ObjectStoreError.Kind = HTTPError.isTransient(status: answer.status) ? .unavailable : .badCredentials
      throw ObjectStoreError(kind, "\(name) answered \(answer.status)")
    }
    let found: Document
    do { found = try JSONDecoder().decode(Document.self, from: Data(answer.body)) } catch {
      throw ObjectStoreError(.protocolViolated, "\(name) answered without credentials")
    }
    guard (found.code ?? "Success") == "Success" else {
      throw ObjectStoreError(.badCredentials, "\(name) has no credentials: \(found.code ?? "")")
    }
    let expiry = found.expiration.map(seconds)
    if case .some(nil) = expiry {
      throw ObjectStoreError(.protocolViolated, "\(name) answered with an end that is no time")
    }
    return IssuedCredentials(
      S3Credentials(
        accessKeyID: found.accessKeyID, secretAccessKey: found.secretAccessKey, sessionToken: found.token),
      expiresAt: expiry ?? nil)
  }
}
