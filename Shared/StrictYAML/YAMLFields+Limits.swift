import Core

/// What entries of providers have in common.
extension YAMLFields {
  /// `rate: 5/s` or `rate: [150/m, 25/d]`, with `burst` beside a single one, and `zone`, in which a day begins.
  package static let limitKeys = ["rate", "burst", "zone"]

  package func limits() throws(Failure) -> RateLimits {
    let burst = try count("burst", in: 1...1_000_000)
    let texts = try texts("rate") ?? []
    if burst != nil, texts.count != 1 { throw wrong("burst", "it goes with one rate") }
    let zone = try text("zone") ?? "UTC"
    if zone != "UTC" {
      do {
        _ = try ZoneTable(identifier: zone)
      } catch {
        throw wrong("zone", error.message)
      }
    }
    var limits: [RateLimit] = []
    for text in texts {
      guard let limit = RateLimit(text, burst: burst) else {
        throw wrong("rate", "'\(text)' is no rate such as 5/s, 300/m, 10/h or 500/d")
      }
      guard !limits.contains(where: { $0.interval == limit.interval }) else {
        throw wrong("rate", "'\(text)' is a second limit of one period")
      }
      if limit.isDaily, burst != nil { throw wrong("burst", "a day has none: its requests are free at any time of it") }
      limits.append(limit)
    }
    return RateLimits(limits, zone: zone)
  }

  /// A reference to a secret; the secret itself is refused.
  package func secret(_ name: String) throws(Failure) -> Secret? {
    guard let text = try text(name) else { return nil }
    // The text is not repeated: it may be the secret itself.
    guard text.hasPrefix("env:") || text.hasPrefix("file:/") else {
      throw wrong(name, "env:NAME or file:/path is expected; a secret does not belong in this file")
    }
    return Secret(text)
  }
}
