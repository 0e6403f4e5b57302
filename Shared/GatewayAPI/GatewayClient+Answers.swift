import Foundation

/// The schemas of the document. Times are RFC 3339.
extension GatewayClient {
  // MARK: - markets

  package struct Trade: Decodable, Hashable, Sendable {
    package var eventTime: String, eventNs: Int64
    package var price, size: Decimal?
    package var id, exchange, corrects, feed: String?
    package var conditions: [String]?
    package var cancelled: Bool?
  }

  package struct Quote: Decodable, Hashable, Sendable {
    package var eventTime: String, eventNs: Int64
    package var bid, bidSize, ask, askSize: Decimal?
    package var bidExchange, askExchange, feed: String?
  }

  package struct LatestTick: Decodable, Sendable {
    package var symbol: String
    package var trade: Trade?
    package var quote: Quote?
    package var ageSeconds: Double
    package var stale: Bool
  }

  package struct LatestTicks: Decodable, Sendable {
    package var ticks: [GatewayAnswer<LatestTick>]
    package var unknown: [String]
  }

  package struct Sample: Decodable, Hashable, Sendable { package var time: String, value: Decimal }

  package struct Symbols: Decodable, Sendable {
    package struct Symbol: Decodable, Hashable, Sendable { package var symbol: String, values: [Sample] }
    package var of: String
    package var interval: String?
    package var symbols: [Symbol]
  }

  package struct Samples: Decodable, Sendable {
    package var symbol, field: String
    package var samples: [Sample]
    package var nextCursor, availableFrom: String?
  }

  package struct Bar: Decodable, Hashable, Sendable {
    /// batch, live or archive.
    package var start, source: String
    package var open, high, low, close, volume, vwap, trades: Decimal?
    package var knownAt: String?
    package var revision: Int64?
    package var running: Bool?
  }

  package struct Split: Decodable, Hashable, Sendable { package var executionDate: String, splitFrom, splitTo: Decimal }

  package struct Bars: Decodable, Sendable {
    package var symbol, interval: String
    package var adjusted: Bool
    package var bars: [Bar]
    package var splits: [Split]
    package var asOf, nextCursor, availableFrom, run: String?
  }

  package struct OfSymbol: Decodable, Sendable { package var symbol: String }

  package struct Stream: Decodable, Sendable {
    package var symbol: String
    package var isStreaming: Bool
    package var lastEvent: String?
  }

  package struct Signal: Decodable, Hashable, Sendable {
    package var start, source: String
    package var values: [String: Decimal]
    package var events: [GatewayJSON]
    package var knownAt: String?
  }

  package struct Signals: Decodable, Sendable {
    package var symbol, interval: String
    package var signals: [Signal]
    package var nextCursor, availableFrom, run: String?
  }

  package struct Features: Decodable, Sendable {
    package var symbol: String
    package var features: [String: GatewayJSON]
    package var unknown: [String]
  }

  package struct FeaturesThen: Decodable, Sendable {
    package var symbol, asOf: String
    /// By interval; nil where no bar had ended by then.
    package var intervals: [String: Signal?]
    package var run: String?
  }

  package struct Flow: Decodable, Sendable {
    package struct Event: Decodable, Hashable, Sendable {
      package var time, eventId, rule, side: String
      package var premium: Double
    }
    package var symbol: String
    package var events: [Event]
    package var nextCursor, availableFrom: String?
  }

  package struct Trend: Decodable, Sendable {
    package var symbol: String
    package var rows: [[String: GatewayJSON]]
    package var nextCursor, run: String?
  }

  // MARK: - texts

  package struct Sentiment: Decodable, Sendable {
    package struct Story: Decodable, Hashable, Sendable {
      package var time, cluster, symbol, title, url, publishedAt: String
      /// Of -1 to 1, with the digits of the message.
      package var score, confidence: GatewayJSON
    }
    package var symbol: String
    package var stories: [Story]
    package var mean: Double?
    package var count: Int
    package var nextCursor, availableFrom: String?
  }

  package struct Article: Decodable, Hashable, Sendable {
    package var source, id, title, publishedAt, knownAt: String
    package var url, outlet, description, author, language: String?
  }

  package struct News: Decodable, Sendable {
    package var articles: [Article]
    package var nextCursor: String?
  }

  package struct ArticleAnswer: Decodable, Sendable { package var article: Article }

  package struct Filings: Decodable, Sendable {
    package struct Passage: Decodable, Hashable, Sendable {
      package var id, text: String
      package var score: Double
      package var textRank, vectorRank: Int?
      package var document, symbols, company, form, item, url, publishedAt: String?
    }
    package var mode: String
    package var model: String?
    package var notes: [String]
    package var passages: [Passage]
  }

  // MARK: - jobs

  /// What the batch layer is to compute.
  package struct Submission: Encodable, Sendable {
    package var kind: String
    package var jobId: String?
    package var symbols: [String]?
    package var from, until: String?
    package var parameters: [String: String]?

    package init(
      kind: String, jobId: String? = nil, symbols: [String]? = nil, from: String? = nil, until: String? = nil,
      parameters: [String: String]? = nil
    ) {
      (self.kind, self.jobId, self.symbols) = (kind, jobId, symbols)
      (self.from, self.until, self.parameters) = (from, until, parameters)
    }
  }

  package struct Accepted: Decodable, Sendable { package var jobId, run: String }

  package struct Job: Decodable, Hashable, Sendable {
    package var jobId, kind, state, run, submittedAt: String
    package var partsDone, partsTotal, rows: Int
    package var engine, message, reason, dataset, updatedAt: String?

    package var isEnd: Bool { ["done", "failed", "cancelled"].contains(state) }
  }

  package struct Jobs: Decodable, Sendable { package var jobs: [Job] }
  package struct JobAnswer: Decodable, Sendable { package var job: Job }

  // MARK: - documents of users, and answers that were given

  package struct UserDocument: Decodable, Sendable { package var user, kind: String, document: GatewayJSON }

  package struct Cached: Decodable, Sendable {
    package var found: Bool
    package var prompt, answer, storedAt: String?
    package var distance: Double?
    package var tags: [String]
  }

  // MARK: - the older systems

  package struct Products: Decodable, Sendable {
    package struct Product: Decodable, Hashable, Sendable {
      package var product: String
      package var gtin, name, brand, unit, seenAt: String?
      package var quantity, lowest, highest: Decimal?
      package var chains, stores: Int
      package var names: [String]
    }
    package var q: String
    package var products: [Product]
    package var nextCursor: String?
  }

  package struct ProductCard: Decodable, Sendable {
    package struct Name: Decodable, Hashable, Sendable {
      package var chain, ean, seenAt: String
      package var name, manufacturer, unitQty, unit: String?
      package var quantity: Decimal?
      package var isWeighted: Bool?
    }
    package var product: String
    package var gtin, name, brand, unit: String?
    package var quantity: Decimal?
    package var names: [Name]
  }

  package struct Basket: Decodable, Sendable {
    package struct Offer: Decodable, Hashable, Sendable { package var chain, storeId: String, price: Decimal }
    package struct Product: Decodable, Hashable, Sendable {
      package var product: String
      package var name: String?
      package var cheapest: Offer?
    }
    /// The best store of a chain; prices by the products' places.
    package struct Chain: Decodable, Hashable, Sendable {
      package var chain, storeId: String
      package var total: Decimal, prices: [Decimal?], missing: Int
    }
    package var products: [Product]
    package var splitTotal: Decimal?
    package var chains: [Chain]
  }

  package struct Chains: Decodable, Sendable {
    package struct Silence: Decodable, Hashable, Sendable { package var from, to: String }
    package struct Chain: Decodable, Hashable, Sendable {
      package var chain, oldestFile, newestFile: String
      package var name: String?
      package var files: Int
      package var silences: [Silence]
    }
    package var chains: [Chain]
  }

  package struct SeriesList: Decodable, Sendable {
    package struct Series: Decodable, Hashable, Sendable {
      package var series: String
      package var observedAt, issuedAt, unit, currency: String?
      package var observations, steps, withheld: Int
      package var models: [String]
    }
    package var kind, pattern: String
    package var count: Int
    package var series: [Series]
    package var nextCursor: String?
  }

  package struct Accuracy: Decodable, Sendable {
    package struct Version: Decodable, Hashable, Sendable {
      package var model, modelVersion, modelKind, issuedAt: String
      package var steps, withheld, compared, intervals: Int
      package var withheldByReason: [String: Int]
      /// `relativeError`: below 1 is better than that the last value stays. Coverage in percent.
      package var mae, mape, relativeError, promised, coverage: Decimal?
    }
    package var series: String?
    package var kind: String
    package var versions: [Version]
  }

  package struct Observations: Decodable, Sendable {
    package struct Observation: Decodable, Hashable, Sendable {
      package var observedAt, source: String
      package var value: Decimal
      package var currency, unit: String?
      package var flags: [String]
    }
    package var series, kind: String
    package var observations: [Observation]
    package var nextCursor: String?
  }

  package struct Prices: Decodable, Sendable {
    package struct Price: Decodable, Hashable, Sendable {
      package var chain, storeId, ean, since, seenAt: String
      package var store, city, name, unit: String?
      package var price: Decimal
      package var unitPrice: Decimal?
    }
    package var product: String
    package var prices: [Price]
    package var nextCursor: String?
  }

  package struct PriceHistory: Decodable, Sendable {
    package struct Change: Decodable, Hashable, Sendable {
      package var chain, storeId, ean, previousSince, changedAt: String
      package var previousPrice, price: Decimal
    }
    package var product: String
    package var changes: [Change]
    package var nextCursor: String?
  }

  package struct Promotions: Decodable, Sendable {
    package struct Promotion: Decodable, Hashable, Sendable {
      package var chain, storeId, promotionId, ean: String
      package var description, startsAt, endsAt, name: String?
      package var price, discountedPrice, discountRate, minQty: Decimal?
      package var isCoupon: Bool?
    }
    package var promotions: [Promotion]
    package var nextCursor: String?
  }

  package struct Forecasts: Decodable, Sendable {
    package struct Forecast: Decodable, Hashable, Sendable {
      package var predictionId, model, modelVersion, modelKind, issuedAt: String
      package var step: Int
      package var targetAt, currency, unit, withheld: String?
      package var mean: Decimal?
      /// Pairs of a probability and a value.
      package var quantiles: [[GatewayJSON]]
      package var flags: [String]
    }
    package var series, kind: String
    package var forecasts: [Forecast]
  }

  package struct Outcomes: Decodable, Sendable {
    package struct Outcome: Decodable, Hashable, Sendable {
      package var predictionId, model, modelVersion, issuedAt, observedAt: String
      package var step: Int
      package var targetAt: String?
      package var mean, lower, upper, promised, absoluteError: Decimal?
      package var actual: Decimal
      package var isInside: Bool?
    }
    package var series, kind: String
    package var outcomes: [Outcome]
    package var nextCursor: String?
  }

  package struct ExchangeBars: Decodable, Sendable {
    package struct Bar: Decodable, Hashable, Sendable {
      package var start: String
      package var open, high, low, close, volume: Decimal?
    }
    package var symbol, interval: String
    package var bars: [Bar]
    package var nextCursor: String?
  }
}
