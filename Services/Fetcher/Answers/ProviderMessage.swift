import Core
import Messages

/// A provider's message in place of values, classified by meaning. Pure.
///
/// Providers send the same messages with status 200 and with 4xx, each in its own words. Text of no known meaning is
/// `unrecognised`, and quoted.
package struct ProviderMessage: Hashable, Sendable {
  package enum Meaning: Hashable, Sendable {
    /// Too many requests; the kind names the quota's period.
    case quota(FetchError.Kind)
    /// The key is wrong or missing.
    case credentials
    /// The key's plan does not include this.
    case entitlement
    case unknownSymbol
    case noData
    case unrecognised
  }

  package let text: String
  package let meaning: Meaning

  package init(_ text: String) {
    self.text = text
    meaning = Self.meaning(of: text)
  }

  /// The message of a JSON answer, under any of the usual names.
  /// - Returns: nil without one.
  package init?(in tree: JSONTree) {
    var texts: [String] = []
    Self.collect(tree, depth: 0, &texts)
    guard !texts.isEmpty else { return nil }
    self.init(texts.joined(separator: ": "))
  }

  /// The message of a body of JSON or plain text; of an HTML page only "too many requests" counts.
  package init?(body: [UInt8]) {
    if let tree = try? JSONTree(Array(body.prefix(64 << 10)), limits: .init(maxBytes: 64 << 10, maxDepth: 32)) {
      self.init(in: tree)
      return
    }
    let text = String(decoding: body.prefix(2_048), as: UTF8.self)
    guard text.contains(where: { !$0.isWhitespace }) else { return nil }
    let isPage = text.contains("<") || text.utf8.count > 512
    self.init(text)
    if isPage { guard case .quota = meaning else { return nil } }
  }

  /// - Parameter status: 200 for a message in place of values.
  package func failure(status: Int = 200) -> FetchError {
    let words = "'\(Self.excerpt(text))'"
    switch (meaning, status) {
    case (.quota(let kind), _): return FetchError(kind, "it reports too many requests: \(words)")
    case (.credentials, _): return FetchError(.refused, "it refuses the credentials: \(words)")
    case (_, 429): return FetchError(.rateLimited, "it reports too many requests: \(words)")
    case (.entitlement, _): return FetchError(.notEntitled, "the plan does not include this: \(words)")
    case (_, 401), (_, 402), (_, 403), (_, 407): return FetchError(.refused, "it refuses access: \(words)")
    case (.noData, _): return FetchError(.noValue, "it has no value: \(words)")
    case (.unknownSymbol, _), (_, 404), (_, 410):
      return FetchError(.symbolUnknown, "it does not know the symbol: \(words)")
    case (_, 400), (_, 422): return FetchError(.requestRefused, "it refuses the request: \(words)")
    default: return FetchError(.unrecognised, "it sends a message of unknown meaning: \(words)")
    }
  }

  /// At most 200 characters of a provider's words, on one line.
  package static func excerpt(_ text: String) -> String {
    let line = text.split(whereSeparator: { $0.isWhitespace || $0.isNewline }).joined(separator: " ")
      .unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f && !(0x80...0x9f).contains($0.value) }
    let cut = String(String.UnicodeScalarView(line.prefix(200)))
    return line.count > 200 ? cut + " ..." : cut
  }

  // MARK: - Collecting text

  private static let names: Set<String> = [
    "error message", "information", "note", "message", "error", "errors", "detail", "details", "description", "reason",
    "error_message", "errormessage", "msg", "info", "type", "code", "status", "chart", "finance", "quandl_error",
  ]

  private static func collect(_ tree: JSONTree, depth: Int, _ texts: inout [String]) {
    guard depth < 4, texts.count < 8 else { return }
    switch tree {
    case .string(let text):
      if depth > 0, !text.isEmpty { texts.append(text) }
    case .array(let items): for item in items.prefix(4) { collect(item, depth: depth + 1, &texts) }
    case .object(let fields):
      for (name, value) in fields.sorted(by: { $0.key < $1.key }) where names.contains(name.lowercased()) {
        collect(value, depth: depth + 1, &texts)
      }
    default: break
    }
  }

  // MARK: - Classification

  private static func meaning(of text: String) -> Meaning {
    let words = text.lowercased().replacing("*", with: "").replacing("_", with: " ").replacing("\u{2019}", with: "'")
    func says(_ phrases: [String]) -> Bool { phrases.contains { words.contains($0) } }
    // Messages about a quota also mention the key and premium plans, so quotas come first.
    if says(quotaPhrases) {
      if says(["per second", "per minute", "a minute", "current minute", "calls per"]) {
        return .quota(.minuteQuotaSpent)
      }
      return .quota(says(["per day", "daily", "per month", "monthly"]) ? .dayQuotaSpent : .rateLimited)
    }
    if says(refusals) || says(keys) && says(keyFaults) { return .credentials }
    if says(entitlementPhrases) { return .entitlement }
    if says(noDataPhrases) { return .noData }
    if says(unknownPhrases) || says(["symbol", "ticker"]) && says(["invalid", "missing", "unknown"]) {
      return .unknownSymbol
    }
    return says(["no data"]) ? .noData : .unrecognised
  }

  private static let quotaPhrases = [
    "rate limit", "ratelimit", "too many requests", "requests per", "request per", "calls per", "call frequency",
    "more sparingly", "daily limit", "hits limit", "limit reached", "limit exceeded", "exceeded your",
    "exceeded the maximum", "exceeded the daily", "quota", "throttl", "out of api credits", "usage limit",
    "request volume", "slow down",
  ]
  private static let keys = [
    "api key", "apikey", "api-key", "access key", "accesskey", "subscription key", "token", "crumb", "credential",
    "cookie", "password",
  ]
  private static let keyFaults = [
    "invalid", "missing", "incorrect", "expired", "not valid", "a valid", "wrong", "required", "not registered",
    "recogni", "unknown", "demo", "claim your", "disabled", "revoked", "suspended", "inactive", "not supplied",
    "not specified", "not found", "blocked",
  ]
  private static let refusals = [
    "unauthorized", "unauthorised", "unauthenticated", "not authenticated", "authentication failed", "access denied",
    "login required",
  ]
  private static let entitlementPhrases = [
    "premium endpoint", "is a premium", "premium feature", "upgrade your", "upgrade to", "not entitled",
    "not authorized", "not authorised", "don't have access", "do not have access", "your plan", "your current plan",
    "your subscription", "your current subscription",
  ]
  private static let noDataPhrases = [
    "data doesn't exist", "data does not exist", "not available yet", "not yet available", "market is closed",
    "markets are closed", "no results", "no records",
  ]
  private static let unknownPhrases = [
    "invalid api call", "invalid inputs", "symbol not", "no such", "not found", "no data found", "delisted",
    "does not exist", "doesn't exist", "unknown instrument", "unsupported symbol", "incorrect quandl code",
  ]
}
