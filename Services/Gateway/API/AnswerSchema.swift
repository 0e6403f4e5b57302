/// What an endpoint answers with when all is well: a named schema of the document, or no JSON.
enum AnswerSchema: String, CaseIterable, Sendable {
  case ingestionStatus = "IngestionStatus"
  case ingestionHealth = "IngestionHealth"
  case latestTick = "LatestTick"
  case latestTicks = "LatestTicks"
  case symbols = "Symbols"
  case samples = "Samples"
  case bars = "Bars"
  case gaps = "Gaps"
  case stream = "Stream"
  case signals = "Signals"
  case flow = "Flow"
  case sentiment = "Sentiment"
  case trend = "Trend"
  case news = "News"
  case article = "ArticleAnswer"
  case filings = "Filings"
  case features = "Features"
  case featuresThen = "FeaturesThen"
  case userDocument = "UserDocument"
  case cached = "Cached"
  case removed = "Removed"
  case jobs = "Jobs"
  case job = "Job"
  case accepted = "JobAccepted"
  case products = "Products"
  case product = "ProductCard"
  case basket = "Basket"
  case chains = "Chains"
  case prices = "Prices"
  case priceHistory = "PriceHistory"
  case promotions = "Promotions"
  case exchangeBars = "ExchangeBars"
  case series = "Series"
  case accuracy = "Accuracy"
  case observations = "Observations"
  case forecasts = "Forecasts"
  case outcomes = "Outcomes"
  case events
  case nothing

  /// JSON Schema 2020-12 of all named answers and of what they are made of.
  static let components = (parts + markets + texts + knowledge + older + system).joined(separator: ",")

  // MARK: - the words that schemas are made of

  static let text = "{\"type\":\"string\"}", number = "{\"type\":\"number\"}", integer = "{\"type\":\"integer\"}"
  static let boolean = "{\"type\":\"boolean\"}", object = "{\"type\":\"object\"}"
  static let textOrNull = "{\"type\":[\"string\",\"null\"]}", numberOrNull = "{\"type\":[\"number\",\"null\"]}"
  static let booleanOrNull = "{\"type\":[\"boolean\",\"null\"]}", integerOrNull = "{\"type\":[\"integer\",\"null\"]}"
  static let time = reference("Time")
  static let timeOrNull = orNull("Time")
  static let texts1 = list(text)

  static func reference(_ name: String) -> String { "{\"$ref\":\"#/components/schemas/\(name)\"}" }
  static func orNull(_ name: String) -> String { "{\"oneOf\":[\(reference(name)),{\"type\":\"null\"}]}" }
  static func list(_ item: String) -> String { "{\"type\":\"array\",\"items\":\(item)}" }
  static func one(of words: [String]) -> String {
    "{\"enum\":[" + words.map { "\"\($0)\"" }.joined(separator: ",") + "]}"
  }
  static func map(of value: String) -> String { "{\"type\":\"object\",\"additionalProperties\":\(value)}" }

  /// A schema by its name. The names of members that may be missing end with `?`.
  static func named(_ name: String, _ members: KeyValuePairs<String, String>, about: String? = nil) -> String {
    let required = members.map(\.key).filter { !$0.hasSuffix("?") }.map { "\"\($0)\"" }.joined(separator: ",")
    let properties = members.map { "\"\($0.key.hasSuffix("?") ? String($0.key.dropLast()) : $0.key)\":\($0.value)" }
    return "\"\(name)\":{\"type\":\"object\"," + (about.map { "\"description\":\"\($0)\"," } ?? "")
      + "\"required\":[\(required)],\"properties\":{\(properties.joined(separator: ","))}}"
  }

  /// The schema of a request's body, which has no other members.
  static func strict(_ name: String, _ members: KeyValuePairs<String, String>) -> String {
    named(name, members).dropLast() + ",\"additionalProperties\":false}"
  }

  /// An answer: its own members and those that every answer has.
  static func answer(_ schema: AnswerSchema, _ members: KeyValuePairs<String, String>) -> String {
    let whole = named(schema.rawValue, members)
    let truth = ",\"allOf\":[\(reference("Truth"))]}"
    return whole.dropLast() + truth
  }

  private static let parts = [
    "\"Time\":{\"type\":\"string\",\"format\":\"date-time\",\"description\":\"RFC 3339 in UTC, up to nanoseconds.\"}",
    "\"Degraded\":{\"type\":\"array\",\"items\":\(one(of: Part.allCases.map(\.rawValue))),"
      + "\"description\":\"What was away while this was answered; empty when nothing was.\"}",
    named("Truth", [
      "batch_until": "{\"oneOf\":[\(time),{\"type\":\"null\"}],"
        + "\"description\":\"Up to here the answer is of the batch layer; null when all of it is live.\"}",
      "watermark": "{\"oneOf\":[\(time),{\"type\":\"null\"}],\"description\":\"How far the data reaches.\"}",
      "gaps": list("{\"anyOf\":[\(reference("Gap")),\(reference("ViewGap"))]}"),
      "degraded": reference("Degraded"),
    ], about: "What every answer says of itself."),
    named("Problem", [
      "type": text, "title": text, "status": integer, "code": text, "detail": text, "instance": text,
      "degraded?": reference("Degraded"),
    ]),
    named("Gap", [
      "id": text, "feed": text, "symbol": text, "channels": texts1, "from": time, "to": timeOrNull,
      "why": one(of: ["disconnected", "silent", "slow_reader", "restarted"]),
      "state": one(of: ["open", "filled", "unfillable"]), "reason?": textOrNull,
    ], about: "A hole in a feed: it was not listened to between these times."),
    named("ViewGap", ["from": time, "to": time, "reason": one(of: ViewGap.Reason.allCases.map(\.rawValue))],
          about: "A part of the range of which neither the batch layer nor the live side has rows."),
  ]

  private static let markets = [
    named("Trade", [
      "event_time": time, "event_ns": integer, "price?": number, "size?": number, "id?": text, "exchange?": text,
      "conditions?": texts1, "corrects?": text, "cancelled?": boolean, "feed?": text,
    ]),
    named("Quote", [
      "event_time": time, "event_ns": integer, "bid?": number, "bid_size?": number, "ask?": number,
      "ask_size?": number, "bid_exchange?": text, "ask_exchange?": text, "feed?": text,
    ]),
    answer(.latestTick, [
      "symbol": text, "trade": orNull("Trade"), "quote": orNull("Quote"), "age_seconds": number, "stale": boolean,
    ]),
    answer(.latestTicks, ["ticks": list(reference("LatestTick")), "unknown": texts1]),
    named("Sample", ["time": time, "value": number]),
    answer(.symbols, [
      "of": text, "interval": textOrNull, "symbols": list(
        named("", ["symbol": text, "values": list(reference("Sample"))]).droppingName),
    ]),
    answer(.samples, [
      "symbol": text, "field": text, "samples": list(reference("Sample")),
      "next_cursor": textOrNull, "available_from": timeOrNull,
    ]),
    named("Bar", [
      "start": time, "source": one(of: ["batch", "live", "archive"]), "open": numberOrNull, "high": numberOrNull,
      "low": numberOrNull, "close": numberOrNull, "volume": numberOrNull, "vwap": numberOrNull, "trades": numberOrNull,
      "known_at?": time, "revision?": integer, "running?": boolean,
    ], about: "The last three are told of bars as they were known at a time, the revision of live ones, too."),
    named("Split", ["execution_date": text, "split_from": number, "split_to": number],
          about: "split_from shares became split_to before the session of the date."),
    answer(.bars, [
      "symbol": text, "interval": text, "adjusted": boolean, "as_of": timeOrNull, "bars": list(reference("Bar")),
      "splits": list(reference("Split")), "next_cursor": textOrNull, "available_from": timeOrNull, "run": textOrNull,
    ]),
    answer(.gaps, ["symbol": text]),
    answer(.stream, ["symbol": text, "is_streaming": boolean, "last_event": timeOrNull]),
    named("Signal", [
      "start": time, "source": one(of: ["batch", "live"]), "values": map(of: number),
      "events": list(object), "known_at?": timeOrNull,
    ]),
    answer(.signals, [
      "symbol": text, "interval": text, "signals": list(reference("Signal")), "next_cursor": textOrNull,
      "available_from": timeOrNull, "run": textOrNull,
    ]),
    answer(.flow, [
      "symbol": text, "next_cursor": textOrNull, "available_from": timeOrNull, "events": list(
        named("", ["time": time, "event_id": text, "rule": text, "side": text, "premium": number]).droppingName),
    ]),
  ]

  private static let texts = [
    named("Story", [
      "time": time, "cluster": text, "symbol": text, "score": numberOrText, "confidence": numberOrText, "title": text,
      "url": text, "published_at": text,
    ]),
    answer(.sentiment, [
      "symbol": text, "stories": list(reference("Story")), "next_cursor": textOrNull, "available_from": timeOrNull,
      "mean": numberOrNull, "count": integer,
    ]),
    answer(.trend, ["symbol": text, "rows": list(object), "next_cursor": textOrNull, "run": textOrNull]),
    named("Article", [
      "source": text, "id": text, "title": text, "published_at": text, "known_at": text, "url?": textOrNull,
      "outlet?": textOrNull, "description?": textOrNull, "author?": textOrNull, "language?": textOrNull,
    ]),
    answer(.news, ["articles": list(reference("Article")), "next_cursor": textOrNull]),
    answer(.article, ["article": reference("Article")]),
    named("Passage", [
      "id": text, "score": number, "text_rank": integerOrNull, "vector_rank": integerOrNull, "text": text,
      "document?": text, "symbols?": text, "company?": text, "form?": text, "url?": text, "published_at?": text,
    ]),
    answer(.filings, [
      "mode": one(of: ["text", "vector", "both"]), "model": textOrNull, "notes": texts1,
      "passages": list(reference("Passage")),
    ]),
  ]

  /// Numbers of messages that keep their digits are texts there.
  static let numberOrText = "{\"type\":[\"number\",\"string\"]}"

  private static let knowledge = [
    answer(.features, [
      "symbol": text, "features": map(of: "{\"type\":[\"number\",\"string\"]}"), "unknown": texts1,
    ]),
    answer(.featuresThen, [
      "symbol": text, "as_of": time, "intervals": map(of: orNull("Signal")), "run": textOrNull,
    ]),
    answer(.userDocument, ["user": text, "kind": text, "document": object]),
    answer(.cached, [
      "found": boolean, "prompt": textOrNull, "answer": textOrNull, "distance": numberOrNull, "tags": texts1,
      "stored_at": timeOrNull,
    ]),
    answer(.removed, ["removed": integer]),
    "\"UserDocumentBody\":{\"type\":\"object\"}",
    strict("CacheQuestion", [
      "prompt": longText(2_000), "tags?": tags, "threshold?": "{\"type\":\"number\",\"minimum\":0,\"maximum\":2}",
    ]),
    strict("CacheEntry", [
      "prompt": longText(2_000), "answer": longText(60_000), "tags?": tags,
      "life_seconds?": "{\"type\":\"integer\",\"minimum\":1,\"maximum\":2592000}",
    ]),
    strict("JobBody", [
      "kind": one(of: JobRequest.kinds), "job_id?": word,
      "symbols?": "{\"type\":\"array\",\"maxItems\":1000,\"items\":\(symbol)}",
      "from?": "{\"type\":\"string\",\"format\":\"date-time\"}",
      "until?": "{\"type\":\"string\",\"format\":\"date-time\"}",
      "parameters?": "{\"type\":\"object\",\"maxProperties\":20,\"additionalProperties\":\(longText(200))}",
    ]),
    named("JobState", [
      "job_id": text, "kind": text, "state": text, "parts_done": integer, "parts_total": integer, "rows": integer,
      "engine": textOrNull, "message": textOrNull, "submitted_at": time, "updated_at": timeOrNull, "run": text,
      "dataset": textOrNull, "reason": textOrNull,
    ]),
    answer(.jobs, ["jobs": list(reference("JobState"))]),
    answer(.job, ["job": reference("JobState")]),
    answer(.accepted, ["job_id": text, "run": text]),
  ]

  private static let word = "{\"type\":\"string\",\"pattern\":\(Parameter.pattern(64, "._-"))}"
  private static let symbol = "{\"type\":\"string\",\"pattern\":\(Parameter.pattern(32, ".:-"))}"
  private static let tags = "{\"type\":\"array\",\"maxItems\":16,\"items\":{\"type\":\"string\",\"pattern\":"
    + Parameter.pattern(64, Parameter.wordBytes) + "}}"
  private static func longText(_ most: Int) -> String {
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":\(most)}"
  }

  private static let older = shops + [
    named("Price", [
      "chain": text, "store_id": text, "store": textOrNull, "city": textOrNull, "ean": text, "name": textOrNull,
      "price": number, "unit_price": numberOrNull, "unit": textOrNull, "since": time, "seen_at": time,
    ]),
    answer(.prices, ["product": text, "prices": list(reference("Price")), "next_cursor": textOrNull]),
    named("PriceChange", [
      "chain": text, "store_id": text, "ean": text, "previous_price": number, "price": number, "previous_since": time,
      "changed_at": time,
    ]),
    answer(.priceHistory, ["product": text, "changes": list(reference("PriceChange")), "next_cursor": textOrNull]),
    named("Promotion", [
      "chain": text, "store_id": text, "promotion_id": text, "description": textOrNull, "starts_at": timeOrNull,
      "ends_at": timeOrNull, "ean": text, "name": textOrNull, "price": numberOrNull, "discounted_price": numberOrNull,
      "discount_rate": numberOrNull, "min_qty": numberOrNull, "is_coupon": booleanOrNull,
    ]),
    answer(.promotions, ["promotions": list(reference("Promotion")), "next_cursor": textOrNull]),
    answer(.exchangeBars, [
      "symbol": text, "interval": text, "next_cursor": textOrNull, "bars": list(
        named("", [
          "start": time, "open": numberOrNull, "high": numberOrNull, "low": numberOrNull, "close": numberOrNull,
          "volume": numberOrNull,
        ]).droppingName),
    ]),
    named("Forecast", [
      "prediction_id": text, "step": integer, "model": text, "model_version": text, "model_kind": text,
      "issued_at": time, "target_at": timeOrNull, "mean": numberOrNull,
      "quantiles": list(list(numberOrText)), "currency": textOrNull, "unit": textOrNull, "flags": texts1,
      "withheld": textOrNull,
    ]),
    answer(.forecasts, ["series": text, "kind": text, "forecasts": list(reference("Forecast"))]),
    named("Outcome", [
      "prediction_id": text, "step": integer, "model": text, "model_version": text, "issued_at": time,
      "target_at": timeOrNull, "mean": numberOrNull, "lower": numberOrNull, "upper": numberOrNull,
      "promised": numberOrNull, "actual": number, "observed_at": time, "absolute_error": numberOrNull,
      "is_inside": booleanOrNull,
    ]),
    answer(.outcomes, [
      "series": text, "kind": text, "outcomes": list(reference("Outcome")), "next_cursor": textOrNull,
    ]),
  ]

  private static let shops = [
    answer(.products, [
      "q": text, "next_cursor": textOrNull, "products": list(
        named("", [
          "product": text, "gtin": textOrNull, "name": textOrNull, "brand": textOrNull, "quantity": numberOrNull,
          "unit": textOrNull, "chains": integer, "names": texts1, "stores": integer, "lowest": numberOrNull,
          "highest": numberOrNull, "seen_at": timeOrNull,
        ]).droppingName),
    ]),
    answer(.product, [
      "product": text, "gtin": textOrNull, "name": textOrNull, "brand": textOrNull, "unit": textOrNull,
      "quantity": numberOrNull, "names": list(
        named("", [
          "chain": text, "ean": text, "name": textOrNull, "manufacturer": textOrNull, "unit_qty": textOrNull,
          "quantity": numberOrNull, "unit": textOrNull, "is_weighted": booleanOrNull, "seen_at": time,
        ]).droppingName),
    ]),
    named("Offer", ["chain": text, "store_id": text, "price": number]),
    answer(.basket, [
      "products": list(named("", ["product": text, "name": textOrNull, "cheapest": orNull("Offer")]).droppingName),
      "split_total": numberOrNull, "chains": list(
        named("", [
          "chain": text, "store_id": text, "total": number, "prices": list(numberOrNull), "missing": integer,
        ]).droppingName),
    ]),
    answer(.chains, [
      "chains": list(
        named("", [
          "chain": text, "name": textOrNull, "files": integer, "oldest_file": time, "newest_file": time,
          "silences": list(named("", ["from": time, "to": time]).droppingName),
        ]).droppingName),
    ]),
    answer(.series, [
      "kind": text, "pattern": text, "count": integer, "next_cursor": textOrNull, "series": list(
        named("", [
          "series": text, "observations": integer, "observed_at": timeOrNull, "steps": integer, "withheld": integer,
          "issued_at": timeOrNull, "models": texts1, "unit": textOrNull, "currency": textOrNull,
        ]).droppingName),
    ]),
    answer(.accuracy, [
      "series": textOrNull, "kind": text, "versions": list(
        named("", [
          "model": text, "model_version": text, "model_kind": text, "steps": integer, "withheld": integer,
          "withheld_by_reason": map(of: integer), "compared": integer, "mae": numberOrNull, "mape": numberOrNull,
          "relative_error": numberOrNull, "intervals": integer, "promised": numberOrNull, "coverage": numberOrNull,
          "issued_at": time,
        ]).droppingName),
    ]),
    answer(.observations, [
      "series": text, "kind": text, "next_cursor": textOrNull, "observations": list(
        named("", [
          "observed_at": time, "value": number, "currency": textOrNull, "unit": textOrNull, "source": text,
          "flags": texts1,
        ]).droppingName),
    ]),
  ]

  private static let layer = named("", [
    "is_running": boolean, "uptime_seconds": integer,
    "kafka": #"""
      {"type":"object","required":["enabled"],"properties":{"enabled":{"type":"boolean"},
      "producer":{"type":["object","null"],"properties":{"is_running":{"type":"boolean"},
      "total_messages":{"type":"integer"}}},"consumer":{"type":["object","null"],"properties":{
      "is_running":{"type":"boolean"},"message_counts":{"type":"object",
      "additionalProperties":{"type":"integer"}}}}}}
      """#,
    "dask": #"""
      {"type":"object","required":["enabled"],"properties":{"enabled":{"type":"boolean"},"cluster":{
      "type":["object","null"],"properties":{"connected":{"type":"boolean"},"workers":{"type":"integer"},
      "cores":{"type":"integer"},"jobs_submitted":{"type":"integer"},"expected_workers":{"type":["integer","null"]}}}}}
      """#,
    "hot_store?": "{\"type\":\"object\",\"required\":[\"connected\"],\"properties\":{\"connected\":\(boolean)}}",
    "views?": "{\"type\":\"object\",\"required\":[\"connected\"],\"properties\":{\"connected\":\(boolean)}}",
    "database?": "{\"type\":\"object\",\"required\":[\"connected\"],\"properties\":{\"connected\":\(boolean)}}",
    "streams": "{\"type\":\"object\",\"properties\":{\"market\":\(flowing),\"options\":\(flowing),"
      + "\"sentiment\":\(flowing)}}",
  ]).droppingName
  private static let flowing = #"""
    {"type":["object","null"],"properties":{"is_streaming":{"type":"boolean"},"subscribed_symbols":{"type":"array",
    "items":{"type":"string"}},"total_flows_detected":{"type":"integer"},"total_events":{"type":"integer"}}}
    """#

  private static let system = [
    named(AnswerSchema.ingestionStatus.rawValue, ["ingestion_layer": layer]),
    named(AnswerSchema.ingestionHealth.rawValue, [
      "healthy": boolean, "components": map(of: boolean), "timestamp": time,
    ], about: "A part that is switched off is not among the components."),
  ]
}

extension String {
  /// Of a schema without a name.
  fileprivate var droppingName: String { String(dropFirst("\"\":".count)) }
}

/// What may be away, as answers name it.
enum Part: String, CaseIterable, Sendable { case kafka, redis, batch, dask, postgres, influx }
