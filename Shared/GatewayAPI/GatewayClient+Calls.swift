/// What a gateway is asked: one call for each operation of its document.
extension GatewayClient {
  /// The operations that there are calls for, by their `operationId`.
  package static let operations: Set<String> = [
    "ingestionStatus", "ingestionHealth", "latestTick", "latestTicks", "ticks", "bars", "gaps", "signals", "flow",
    "flowDaily", "sentiment", "sentimentTrend", "news", "article", "searchFilings", "features", "featuresAt", "stream",
    "subscribe", "unsubscribe", "live", "submitJob", "jobs", "job", "cancelJob", "watchJob", "userDocument",
    "putUserDocument", "deleteUserDocument", "lookUp", "remember", "forget", "prices", "priceHistory", "promotions",
    "forecasts", "outcomes", "exchangeBars", "products", "product", "basket", "chains", "series", "accuracy",
    "observations", "symbols",
  ]

  private static func list(_ words: [String]) -> String? { words.isEmpty ? nil : words.joined(separator: ",") }

  // MARK: - how the system is

  package func ingestionStatus() async throws -> GatewayStatus {
    try Self.read(try await send("GET", ["system", "ingestion", "status"]))
  }

  package func ingestionHealth() async throws -> GatewayHealth {
    try Self.read(try await send("GET", ["system", "ingestion", "health"]))
  }

  // MARK: - markets

  package func latestTick(_ symbol: String) async throws -> GatewayAnswer<LatestTick> {
    try await get(["ticks", symbol, "latest"])
  }

  /// - Returns: the answer, and its JSON.
  package func latestTicks(_ symbols: [String]) async throws -> (ticks: GatewayAnswer<LatestTicks>, json: [UInt8]) {
    let json = try await send("GET", ["ticks", "latest"], [("symbols", symbols.joined(separator: ","))])
    return (try Self.read(json), json)
  }

  /// - Parameter field: price, size, bid, ask, bid_size, ask_size.
  package func ticks(
    _ symbol: String, field: String = "price", _ page: Page = Page()
  ) async throws -> GatewayAnswer<Samples> {
    try await get(["ticks", symbol], [("field", field)], page: page)
  }

  /// - Parameters:
  ///   - adjusted: for splits.
  ///   - asOf: as they were known then.
  package func bars(
    _ symbol: String, interval: String = "1m", adjusted: Bool = false, asOf: String? = nil, _ page: Page = Page()
  ) async throws -> GatewayAnswer<Bars> {
    try await get(
      ["bars", symbol], [("interval", interval), ("adjusted", adjusted ? "true" : nil), ("as_of", asOf)], page: page)
  }

  package func gaps(_ symbol: String) async throws -> GatewayAnswer<OfSymbol> { try await get(["gaps", symbol]) }

  /// - Parameter names: of indicators; empty for those that are kept.
  package func signals(
    _ symbol: String, interval: String = "1m", names: [String] = [], _ page: Page = Page()
  ) async throws -> GatewayAnswer<Signals> {
    try await get(["signals", symbol], [("interval", interval), ("names", Self.list(names))], page: page)
  }

  package func features(_ symbol: String, names: [String] = []) async throws -> GatewayAnswer<Features> {
    try await get(["features", symbol], [("names", Self.list(names))])
  }

  /// - Parameter knownBy: passes over what the batch layer knew later.
  package func featuresAt(
    _ symbol: String, asOf: String, intervals: [String] = [], knownBy: String? = nil, names: [String] = []
  ) async throws -> GatewayAnswer<FeaturesThen> {
    try await get(["features", symbol, "at"], [
      ("as_of", asOf), ("intervals", Self.list(intervals)), ("known_by", knownBy), ("names", Self.list(names)),
    ])
  }

  package func flow(_ symbol: String, _ page: Page = Page()) async throws -> GatewayAnswer<Flow> {
    try await get(["flow", symbol], page: page)
  }

  package func flowDaily(_ symbol: String, _ page: Page = Page()) async throws -> GatewayAnswer<Trend> {
    try await get(["flow", symbol, "daily"], page: page)
  }

  /// - Parameters:
  ///   - kind: bar, tick, flow or sentiment.
  ///   - points: most values of each symbol.
  package func symbols(
    of kind: String = "bar", interval: String? = nil, points: Int? = nil
  ) async throws -> GatewayAnswer<Symbols> {
    try await get(["symbols"], [("of", kind), ("interval", interval), ("points", points.map { "\($0)" })])
  }

  // MARK: - streams

  package func stream(_ symbol: String) async throws -> GatewayAnswer<Stream> { try await get(["streams", symbol]) }

  package func subscribe(_ symbol: String, feed: String, channels: String) async throws {
    _ = try await send("PUT", ["streams", symbol], [("feed", feed), ("channels", channels)])
  }

  package func unsubscribe(_ symbol: String, feed: String) async throws {
    _ = try await send("DELETE", ["streams", symbol], [("feed", feed)])
  }

  /// Hands each event to `each` until it returns false or the stream ends.
  /// - Parameters:
  ///   - kinds: empty for ticks, bars and gaps.
  ///   - last: the id of the last event that was taken. An event `reset` first says that others were missed.
  package func live(
    symbols: [String] = [], kinds: [String] = [], after last: String? = nil,
    _ each: (GatewayEvent) async throws -> Bool
  ) async throws {
    try await events(["live"], [("symbols", Self.list(symbols)), ("kinds", Self.list(kinds))], after: last, each)
  }

  // MARK: - texts

  package func sentiment(_ symbol: String, _ page: Page = Page()) async throws -> GatewayAnswer<Sentiment> {
    try await get(["sentiment", symbol], page: page)
  }

  package func sentimentTrend(_ symbol: String, _ page: Page = Page()) async throws -> GatewayAnswer<Trend> {
    try await get(["sentiment", symbol, "trend"], page: page)
  }

  package func news(limit: Int? = nil, cursor: String? = nil) async throws -> GatewayAnswer<News> {
    try await get(["news"], page: Page(limit: limit, cursor: cursor))
  }

  package func article(_ source: String, _ id: String) async throws -> GatewayAnswer<ArticleAnswer> {
    try await get(["news", source, id])
  }

  /// - Parameter mode: text, vector or both.
  package func searchFilings(
    _ question: String, mode: String = "both", symbols: [String] = [], forms: [String] = [], item: String? = nil,
    _ page: Page = Page()
  ) async throws -> GatewayAnswer<Filings> {
    try await get(["filings", "search"], [
      ("q", question), ("mode", mode), ("symbols", Self.list(symbols)), ("forms", Self.list(forms)), ("item", item),
    ], page: page)
  }

  // MARK: - jobs

  package func submitJob(_ job: Submission) async throws -> GatewayAnswer<Accepted> {
    try Self.read(try await send("POST", ["jobs"], [], Self.write(job)))
  }

  package func jobs(limit: Int? = nil) async throws -> GatewayAnswer<Jobs> {
    try await get(["jobs"], page: Page(limit: limit))
  }

  package func job(_ id: String) async throws -> GatewayAnswer<JobAnswer> { try await get(["jobs", id]) }

  package func cancelJob(_ id: String) async throws { _ = try await send("DELETE", ["jobs", id]) }

  /// Hands each state of a job to `each` until it returns false or the job has ended.
  package func watchJob(_ id: String, _ each: (GatewayEvent) async throws -> Bool) async throws {
    try await events(["jobs", id, "live"], [], after: nil, each)
  }

  // MARK: - documents of users, and answers that were given

  /// - Parameter kind: profile or portfolio.
  package func userDocument(_ user: String, _ kind: String) async throws -> GatewayAnswer<UserDocument> {
    try await get(["users", user, kind])
  }

  package func putUserDocument(_ user: String, _ kind: String, _ document: GatewayJSON) async throws {
    _ = try await send("PUT", ["users", user, kind], [], Self.write(document))
  }

  package func deleteUserDocument(_ user: String, _ kind: String) async throws {
    _ = try await send("DELETE", ["users", user, kind])
  }

  /// - Parameter threshold: the largest cosine distance.
  package func lookUp(
    _ prompt: String, tags: [String] = [], threshold: Double? = nil
  ) async throws -> GatewayAnswer<Cached> {
    struct Question: Encodable { var prompt: String, tags: [String], threshold: Double? }
    let body = try Self.write(Question(prompt: prompt, tags: tags, threshold: threshold))
    return try Self.read(try await send("POST", ["cache", "lookup"], [], body))
  }

  package func remember(_ prompt: String, answer: String, tags: [String] = [], lifeSeconds: Int? = nil) async throws {
    struct Entry: Encodable { var prompt, answer: String, tags: [String], lifeSeconds: Int? }
    let entry = Entry(prompt: prompt, answer: answer, tags: tags, lifeSeconds: lifeSeconds)
    _ = try await send("PUT", ["cache"], [], Self.write(entry))
  }

  /// - Returns: how many answers had the tag.
  package func forget(tag: String) async throws -> Int {
    struct Removed: Decodable { var removed: Int }
    return try (Self.read(try await send("DELETE", ["cache"], [("tag", tag)])) as Removed).removed
  }

  // MARK: - the older systems

  /// - Parameter product: a master's id, or a code of a chain.
  package func prices(
    _ product: String, chain: String? = nil, store: String? = nil, _ page: Page = Page()
  ) async throws -> GatewayAnswer<Prices> {
    try await get(["products", product, "prices"], [("chain", chain), ("store", store)], page: page)
  }

  package func priceHistory(
    _ product: String, chain: String? = nil, store: String? = nil, _ page: Page = Page()
  ) async throws -> GatewayAnswer<PriceHistory> {
    try await get(["products", product, "prices", "history"], [("chain", chain), ("store", store)], page: page)
  }

  package func promotions(
    product: String? = nil, chain: String? = nil, store: String? = nil, _ page: Page = Page()
  ) async throws -> GatewayAnswer<Promotions> {
    try await get(["promotions"], [("product", product), ("chain", chain), ("store", store)], page: page)
  }

  /// - Parameter words: that all stand in a name, or one code.
  package func products(_ words: String, _ page: Page = Page()) async throws -> GatewayAnswer<Products> {
    try await get(["products"], [("q", words)], page: page)
  }

  package func product(_ product: String) async throws -> GatewayAnswer<ProductCard> {
    try await get(["products", product])
  }

  package func basket(_ products: [String]) async throws -> GatewayAnswer<Basket> {
    try await get(["basket"], [("products", Self.list(products))])
  }

  /// - Parameter silence: hours without a file that are told of.
  package func chains(silence: Int? = nil, _ page: Page = Page()) async throws -> GatewayAnswer<Chains> {
    try await get(["chains"], [("silence", silence.map { "\($0)" })], page: page)
  }

  /// - Parameter pattern: as routes are written; nil for all.
  package func series(
    _ pattern: String? = nil, kind: String = "price", _ page: Page = Page()
  ) async throws -> GatewayAnswer<SeriesList> {
    try await get(["forecasts"], [("pattern", pattern), ("kind", kind)], page: page)
  }

  /// - Parameter series: nil for all.
  package func accuracy(_ series: String? = nil, kind: String = "price") async throws -> GatewayAnswer<Accuracy> {
    try await get(["forecasts", "accuracy"], [("series", series), ("kind", kind)])
  }

  package func observations(
    _ series: String, kind: String = "price", _ page: Page = Page()
  ) async throws -> GatewayAnswer<Observations> {
    try await get(["forecasts", series, "observations"], [("kind", kind)], page: page)
  }

  /// - Parameters:
  ///   - kind: price or demand.
  ///   - asOf: the last one that was issued by then.
  package func forecasts(
    _ series: String, kind: String = "price", asOf: String? = nil
  ) async throws -> GatewayAnswer<Forecasts> {
    try await get(["forecasts", series], [("kind", kind), ("as_of", asOf)])
  }

  package func outcomes(
    _ series: String, kind: String = "price", _ page: Page = Page()
  ) async throws -> GatewayAnswer<Outcomes> {
    try await get(["forecasts", series, "outcomes"], [("kind", kind)], page: page)
  }

  package func exchangeBars(
    _ symbol: String, interval: String? = nil, _ page: Page = Page()
  ) async throws -> GatewayAnswer<ExchangeBars> {
    try await get(["egx", "bars", symbol], [("interval", interval)], page: page)
  }
}
