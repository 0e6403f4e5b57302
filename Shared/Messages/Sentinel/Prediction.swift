import Catalogue
import Values

/// What a model expects of one series, or why it says nothing.
///
/// `db_write_buffer`, key the routing key. The id is made from the series, the model's version, the observation
/// that was the occasion and what the model was given, so that the same input makes the same id again.
package struct Prediction: FieldwiseMessage {
  /// One step ahead.
  package struct Step: Hashable, Sendable {
    /// 1 for the next period.
    package var step: Int64
    /// The time it is about.
    package var targetAt: Timestamp
    /// In the unit and currency of the series.
    package var mean: ExactDecimal
    /// By probability, ascending: 0.1, 0.5, 0.9. Empty for a model that gives none.
    package var quantiles: [Quantile]

    package init(step: Int64, targetAt: Timestamp, mean: ExactDecimal, quantiles: [Quantile] = []) {
      self.step = step
      self.targetAt = targetAt
      self.mean = mean
      self.quantiles = quantiles
    }
  }

  package struct Quantile: Hashable, Sendable {
    /// Above 0, below 1.
    package var probability: ExactDecimal
    package var value: ExactDecimal

    package init(probability: ExactDecimal, value: ExactDecimal) {
      self.probability = probability
      self.value = value
    }
  }

  /// 32 hexadecimal digits.
  package var predictionID: String
  package var series: RoutingKey
  package var kind: SeriesKind
  /// The model's name in the registry.
  package var model: String
  package var modelVersion: String
  /// `xgboost`, `lstm`, `deepar`, `croston`, `sba`, `tsb`.
  package var modelKind: String
  /// The time of the observation that was the occasion.
  package var issuedAt: Timestamp
  package var currency: String?
  package var unit: String?
  /// In order; empty when the prediction is withheld.
  package var steps: [Step]
  /// 32 hexadecimal digits: what the model was given.
  package var inputDigest: String
  /// What was poor about the input, `snake_case`: `gap`, `stale_driver`.
  package var flags: [String]
  /// Why there are no steps, `snake_case`: `too_few_observations`, `unit_changed`; nil when there are.
  package var withheld: String?

  package static let topic = Topics.databaseWriteBuffer

  package init(
    predictionID: String, series: RoutingKey, kind: SeriesKind, model: String, modelVersion: String,
    modelKind: String, issuedAt: Timestamp, currency: String? = nil, unit: String? = nil, steps: [Step],
    inputDigest: String, flags: [String] = [], withheld: String? = nil
  ) {
    self.predictionID = predictionID
    self.series = series
    self.kind = kind
    self.model = model
    self.modelVersion = modelVersion
    self.modelKind = modelKind
    self.issuedAt = issuedAt
    self.currency = currency
    self.unit = unit
    self.steps = steps
    self.inputDigest = inputDigest
    self.flags = flags
    self.withheld = withheld
  }

  package var key: [UInt8] { series.bytes }

  package func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("prediction_id", predictionID)
    writer.field("series", series.text)
    writer.field("kind", kind)
    writer.field("model", model)
    writer.field("model_version", modelVersion)
    writer.field("model_kind", modelKind)
    writer.field("issued_at", issuedAt)
    writer.field("currency", currency)
    writer.field("unit", unit)
    writer.key("steps")
    writer.beginArray()
    for step in steps { step.encode(into: &writer) }
    writer.endArray()
    writer.field("input_digest", inputDigest)
    writer.strings("flags", flags)
    writer.field("withheld", withheld)
    writer.endObject()
  }

  package enum Field: String, CaseIterable, Sendable {
    case predictionID = "prediction_id"
    case series, kind, model
    case modelVersion = "model_version"
    case modelKind = "model_kind"
    case issuedAt = "issued_at"
    case currency, unit, steps
    case inputDigest = "input_digest"
    case flags, withheld
  }
  package static let fields = FieldTable(Field.self)
  package static let required = fields.mask(
    .predictionID, .series, .kind, .model, .modelVersion, .modelKind, .issuedAt, .steps, .inputDigest)

  package static var blank: Self {
    Self(
      predictionID: "", series: .placeholder, kind: .price, model: "", modelVersion: "", modelKind: "",
      issuedAt: .epoch, steps: [], inputDigest: "")
  }

  package mutating func read(_ field: Field, from reader: inout JSONReader) throws(DecodingFailure) {
    switch field {
    case .predictionID: predictionID = try reader.string()
    case .series: series = try reader.routingKey(field: field.rawValue)
    case .kind: kind = try reader.value(SeriesKind.self, field: field.rawValue)
    case .model: model = try reader.string()
    case .modelVersion: modelVersion = try reader.string()
    case .modelKind: modelKind = try reader.string()
    case .issuedAt: issuedAt = try reader.timestamp(field: field.rawValue)
    case .currency: currency = try reader.stringOrNull()
    case .unit: unit = try reader.stringOrNull()
    case .steps:
      var list = try reader.beginArray()
      while try reader.nextElement(&list) { steps.append(try Step(from: &reader)) }
    case .inputDigest: inputDigest = try reader.string()
    case .flags: flags = try reader.stringsOrNull()
    case .withheld: withheld = try reader.stringOrNull()
    }
  }
}

extension Prediction.Step {
  enum Field: String, CaseIterable {
    case step
    case targetAt = "target_at"
    case mean, quantiles
  }
  static let fields = FieldTable(Field.self)
  static let required = fields.mask(.step, .targetAt, .mean)

  func encode(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("step", step)
    writer.field("target_at", targetAt)
    writer.number("mean", mean)
    writer.key("quantiles")
    Prediction.encode(quantiles, into: &writer)
    writer.endObject()
  }

  init(from reader: inout JSONReader) throws(DecodingFailure) {
    self.init(step: 0, targetAt: .epoch, mean: .zero)
    let table = Self.fields
    var cursor = try reader.beginObject()
    while let field = try reader.nextField(&cursor, of: table) {
      switch field {
      case .step: step = try reader.integer()
      case .targetAt: targetAt = try reader.timestamp(field: field.rawValue)
      case .mean: mean = try reader.decimal(field: field.rawValue)
      case .quantiles:
        guard !reader.isNull() else { continue }
        var list = try reader.beginArray()
        while try reader.nextElement(&list) { quantiles.append(try Prediction.Quantile(from: &reader)) }
      }
    }
    try reader.require(Self.required, in: cursor, of: table)
  }
}

extension Prediction {
  /// `[[0.1, 1180], [0.9, 1234.5]]`.
  package static func encode(_ quantiles: [Quantile], into writer: inout JSONWriter) {
    writer.beginArray()
    for quantile in quantiles {
      writer.beginArray()
      writer.number(quantile.probability)
      writer.number(quantile.value)
      writer.endArray()
    }
    writer.endArray()
  }
}

extension Prediction.Quantile {
  /// `[0.9, 1234.5]`.
  init(from reader: inout JSONReader) throws(DecodingFailure) {
    let start = reader.position
    var numbers: [ExactDecimal] = []
    var pair = try reader.beginArray()
    while try reader.nextElement(&pair) { numbers.append(try reader.decimal(field: "quantiles")) }
    guard numbers.count == 2, numbers[0] > .zero, numbers[0] < ExactDecimal(1) else {
      throw DecodingFailure(.badValue, at: start, "a quantile is [probability, value]", field: "quantiles")
    }
    self.init(probability: numbers[0], value: numbers[1])
  }
}
