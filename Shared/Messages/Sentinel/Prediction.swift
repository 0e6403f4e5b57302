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

  package static let blank = Self(
    predictionID: "", series: .placeholder, kind: .price, model: "", modelVersion: "", modelKind: "",
    issuedAt: .epoch, steps: [], inputDigest: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("prediction_id", &predictionID)
    try coder.required("series", &series)
    try coder.required("kind", &kind)
    try coder.required("model", &model)
    try coder.required("model_version", &modelVersion)
    try coder.required("model_kind", &modelKind)
    try coder.required("issued_at", &issuedAt)
    try coder.field("currency", &currency)
    try coder.field("unit", &unit)
    try coder.required("steps", &steps)
    try coder.required("input_digest", &inputDigest)
    try coder.field("flags", &flags)
    try coder.field("withheld", &withheld)
  }
}

extension Prediction.Step: FieldwiseObject {
  package static let blank = Self(step: 0, targetAt: .epoch, mean: .zero)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("step", &step)
    try coder.required("target_at", &targetAt)
    try coder.number("mean", &mean, isRequired: true)
    try coder.field("quantiles", &quantiles)
  }
}

/// `[0.9, 1234.5]`
extension Prediction.Quantile: JSONValue {
  package func write(to writer: inout JSONWriter) {
    writer.beginArray()
    writer.number(probability)
    writer.number(value)
    writer.endArray()
  }

  package static func read(from coder: inout FieldCoder) throws(DecodingFailure) -> Self {
    let start = coder.reader.position
    let numbers: [ExactDecimal] = try coder.readList()
    guard numbers.count == 2, numbers[0] > .zero, numbers[0] < ExactDecimal(1) else {
      throw DecodingFailure(.badValue, at: start, "a quantile is [probability, value]", field: coder.name)
    }
    return Self(probability: numbers[0], value: numbers[1])
  }
}
