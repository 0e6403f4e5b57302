import Messages
import Values

/// What a field of a provider's event says.
enum FeedRole: Sendable {
  case symbol, exchange, id, tape, sequence, trf, conditions, indicators
  /// When it happened; when the consolidated feed published it.
  case event, published
  /// The reporting facility's own time, of a trade that it reports late.
  case facility
  case price, size
  /// A size or a volume without its fraction, which counts where no field has it with one.
  case whole
  case bid, bidSize, bidExchange, ask, askSize, askExchange
  case action, originalID, originalPrice, originalSize, originalConditions
  case code, message, reasonCode, reason, limitUp, limitDown
  /// Of a bar.
  case start, open, high, low, close, volume, vwap, trades
  /// It is known, and passed over.
  case nothing
}

/// The fields of one kind of event: their names in the order in which the provider writes them, and what they say.
struct FeedShape: Sendable {
  let names: FieldNames
  let roles: [FeedRole]
  private let required: UInt64

  init(_ fields: KeyValuePairs<String, FeedRole>, required: Set<String>) {
    names = FieldNames(fields.map(\.key))
    roles = fields.map(\.value)
    self.required = fields.enumerated().reduce(0) { bits, field in
      required.contains(field.element.key) ? bits | 1 << UInt64(field.offset) : bits
    }
  }

  func name(of role: FeedRole) -> String { roles.firstIndex(of: role).map { names.texts[$0] } ?? "" }

  func requireAll(_ cursor: ObjectCursor, _ reader: borrowing JSONReader) throws(DecodingFailure) {
    let missing = required & ~cursor.seen
    if missing != 0 { throw reader.missingField(names.texts[missing.trailingZeroBitCount]) }
  }
}

extension FeedElement {
  /// Reads an event that is no bar.
  /// - Parameter symbol: of a row that does not say it.
  mutating func tick(
    _ kind: FeedTick.Kind, _ shape: FeedShape, _ bytes: RawSpan, _ knownNs: Int64, of symbol: String?
  ) throws(DecodingFailure) -> (fields: FeedTickFields, facilityNs: Int64?) {
    var reader = try JSONReader(bytes)
    var fields = FeedTickFields()
    (fields.kind, fields.feed, fields.knownNs) = (kind, feedName, knownNs)
    if let symbol { fields.symbol = scratch.append(symbol) }
    var (whole, facilityNs): (ExactDecimal?, Int64?)
    var cursor = try reader.beginObject()
    while let index = try reader.nextField(&cursor, among: shape.names) {
      do throws(DecodingFailure) {
        switch shape.roles[index] {
        case .symbol: fields.symbol = try self.symbol(&reader, in: bytes)
        case .exchange: fields.exchange = try word(&reader)
        case .id: fields.id = try word(&reader)
        case .tape: fields.tape = try word(&reader)
        case .sequence: fields.sequence = try reader.integerOrNull()
        case .trf: fields.trf = try reader.integerOrNull()
        case .conditions: fields.conditions = try words(&reader, in: bytes)
        case .indicators: fields.indicators = try words(&reader, in: bytes)
        case .event: fields.eventNs = try stamp(&reader, in: bytes)
        case .published: fields.publishedNs = try stamp(&reader, in: bytes)
        case .facility: facilityNs = reader.isNull() ? nil : try stamp(&reader, in: bytes)
        case .price: fields.price = try decimal(&reader)
        case .size: fields.size = try decimal(&reader)
        case .whole: whole = try decimal(&reader)
        case .bid: fields.bid = try decimal(&reader)
        case .bidSize: fields.bidSize = try decimal(&reader)
        case .bidExchange: fields.bidExchange = try word(&reader)
        case .ask: fields.ask = try decimal(&reader)
        case .askSize: fields.askSize = try decimal(&reader)
        case .askExchange: fields.askExchange = try word(&reader)
        case .action: fields.action = try word(&reader)
        case .originalID: fields.originalID = try word(&reader)
        case .originalPrice: fields.originalPrice = try decimal(&reader)
        case .originalSize: fields.originalSize = try decimal(&reader)
        case .originalConditions: fields.originalConditions = try words(&reader, in: bytes)
        case .code: fields.code = try word(&reader)
        case .message: fields.message = try word(&reader)
        case .reasonCode: fields.reasonCode = try word(&reader)
        case .reason: fields.reason = try word(&reader)
        case .limitUp: fields.limitUp = try decimal(&reader)
        case .limitDown: fields.limitDown = try decimal(&reader)
        case .start, .open, .high, .low, .close, .volume, .vwap, .trades, .nothing: try reader.skipValue()
        }
      } catch {
        throw error.named(shape.names.texts[index])
      }
    }
    try shape.requireAll(cursor, reader)
    fields.size = fields.size ?? whole
    return (fields, facilityNs)
  }

  /// - Parameters:
  ///   - symbol: of a row that does not say it.
  ///   - startNs: the same.
  mutating func bar(
    _ interval: String, _ shape: FeedShape, _ bytes: RawSpan, _ knownNs: Int64, of symbol: String?, startNs: Int64 = 0
  ) throws(DecodingFailure) -> FeedBarFields {
    var reader = try JSONReader(bytes)
    var bar = FeedBarFields()
    (bar.feed, bar.values.knownNs, bar.values.startNs) = (feedName, knownNs, startNs)
    if let symbol { bar.symbol = scratch.append(symbol) }
    var (open, high, low): (ExactDecimal?, ExactDecimal?, ExactDecimal?)
    var (close, volume, whole): (ExactDecimal?, ExactDecimal?, ExactDecimal?)
    var cursor = try reader.beginObject()
    while let index = try reader.nextField(&cursor, among: shape.names) {
      do throws(DecodingFailure) {
        switch shape.roles[index] {
        case .symbol: bar.symbol = try self.symbol(&reader, in: bytes)
        case .start: bar.values.startNs = try stamp(&reader, in: bytes)
        case .open: open = try decimal(&reader)
        case .high: high = try decimal(&reader)
        case .low: low = try decimal(&reader)
        case .close: close = try decimal(&reader)
        case .volume: volume = try decimal(&reader)
        case .whole: whole = try decimal(&reader)
        case .vwap: bar.values.vwap = try decimal(&reader)
        case .trades: bar.values.trades = try reader.integerOrNull()
        default: try reader.skipValue()
        }
      } catch {
        throw error.named(shape.names.texts[index])
      }
    }
    try shape.requireAll(cursor, reader)
    bar.values.open = try need(open, shape.name(of: .open))
    bar.values.high = try need(high, shape.name(of: .high))
    bar.values.low = try need(low, shape.name(of: .low))
    bar.values.close = try need(close, shape.name(of: .close))
    bar.values.volume = try need(volume ?? whole, shape.name(of: .volume))
    bar.interval = scratch.append(interval)
    try requireSymbol(bar.symbol)
    try check(bar.values.startNs, knownNs: knownNs, field: startNs == 0 ? shape.name(of: .start) : "time")
    return bar
  }
}

extension DecodingFailure {
  /// The same of a field, where it does not say of which.
  fileprivate func named(_ field: String) -> DecodingFailure {
    var failure = self
    failure.field = failure.field ?? field
    return failure
  }
}
