/// Hides what must not be printed, by naming rules alone, so that no option can be forgotten.
package enum SecretMask {
  package static let mask = "***"

  /// An option (or `key=value` property) whose whole value is secret.
  package static func isSecret(_ name: String) -> Bool {
    let name = name.lowercased()
    return ["password", "passwd", "secret", "token", "secret-access-key", "-key", ".key", "_key", "passphrase",
            "connection-string", "-headers"]
      .contains { name.hasSuffix($0) } || ["key", "sasl.jaas.config", "sig", "accountkey"].contains(name)
  }

  /// The value of an option as it may be printed: `***` for a secret; of a URL only the password is hidden, of
  /// `key=value` pairs only the values of secret keys.
  package static func masked(_ value: String, of option: String) -> String {
    if isSecret(option) { return value.isEmpty ? value : mask }
    return maskedPairs(maskedUserInfo(value))
  }

  /// `scheme://user:password@host` becomes `scheme://***@host`.
  static func maskedUserInfo(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let scheme = rest.firstRange(of: "://") {
      result += rest[..<scheme.upperBound]
      rest = rest[scheme.upperBound...]
      // Up to the last '@' of the word: a password may hold '/' or '@' that should have been escaped, and hiding
      // too much is the safe mistake.
      if let at = rest.prefix(while: { !$0.isWhitespace }).lastIndex(of: "@") {
        result += mask
        rest = rest[at...]
      }
    }
    return result + rest
  }

  /// Hides the values of secret keys in `a=1,password=x`, `?user=u&password=x` and `host=h password=x`.
  static func maskedPairs(_ text: String) -> String {
    var result = ""
    var word = ""
    var hiding = false
    for character in text {
      if "?&,; \n".contains(character) {
        result += word
        result.append(character)
        word = ""
        hiding = false
      } else if hiding {
        continue
      } else if character == "=", isSecret(word) {
        result += word + "=" + mask
        word = ""
        hiding = true
      } else {
        word.append(character)
      }
    }
    return result + word
  }
}
