import Core
import Foundation
import ObjectStore

/// A profile of the shared credentials file of AWS's tools: INI sections, one for each profile.
struct SharedFileCredentials: CredentialSource {
  var path: String
  var profile: String
  var isRequired: Bool

  var name: String { "profile '\(profile)' of \(path)" }

  func fetch() async throws -> IssuedCredentials? {
    guard let bytes = try? readFile(path, limit: 1 << 20) else {
      if isRequired {
        throw ObjectStoreError(.invalidSetting, "--aws-shared-credentials-file: cannot read \(path)")
      }
      return nil
    }
    guard let found = Self.parse(String(decoding: bytes, as: UTF8.self), profile: profile) else {
      if profile == "default" { return nil }
      throw ObjectStoreError(.invalidSetting, "--aws-profile: \(path) has no complete profile '\(profile)'")
    }
    return IssuedCredentials(credentials: found)
  }

  /// - Returns: nil when the profile is missing or lacks one of its two keys.
  static func parse(_ text: String, profile: String) -> S3Credentials? {
    var section = ""
    var values: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let line = line.trimmingCharacters(in: .whitespaces)
      if line.isEmpty || line.hasPrefix("#") || line.hasPrefix(";") { continue }
      if line.hasPrefix("["), line.hasSuffix("]") {
        section = line.dropFirst().dropLast().trimmingCharacters(in: .whitespaces)
      } else if section == profile, let equals = line.firstIndex(of: "=") {
        values[line[..<equals].trimmingCharacters(in: .whitespaces).lowercased()] =
          line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
      }
    }
    guard let id = values["aws_access_key_id"], let secret = values["aws_secret_access_key"] else { return nil }
    return S3Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: values["aws_session_token"])
  }
}
