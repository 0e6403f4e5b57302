import Runtime

/// A profile of the shared credentials file.
struct SharedFileCredentials: CredentialSource {
  var path: String
  var profile: String
  /// Whether a person named the file, which then has to be there.
  var isRequired: Bool

  var name: String { "profile '\(profile)' of \(path)" }

  func fetch() async throws -> IssuedCredentials? {
    guard let bytes = try? readFile(path, limit: 1 << 20) else {
      if isRequired {
        throw ObjectStoreError(.invalidSetting, "--aws-shared-credentials-file: cannot read \(path)")
      }
      return nil
    }
    guard let found = SharedCredentials.parse(String(decoding: bytes, as: UTF8.self), profile: profile) else {
      if profile == "default" { return nil }
      throw ObjectStoreError(.invalidSetting, "--aws-profile: \(path) has no complete profile '\(profile)'")
    }
    return IssuedCredentials(found)
  }
}
