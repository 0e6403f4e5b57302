import Catalogue
import Values

/// What a model expects of one series, or why it says nothing.
///
/// `db_write_buffer`, key the routing key. The id is made from the series, the model's version, the observation
/// that was the occasion and what the model was given, so that the same input makes the same id again.
package struct Prediction: FieldwiseMessage {
  /// One step ahead.
  package struct Step: Hashable, Sendable {
    package var step: Int64
    package var targetAt: Timestamp
    package var mean: ExactDecimal
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

  package var predictionID: String
  package var series: RoutingKey
  package var kind: SeriesKind
  package var model: String
  package var modelVersion: String
  package var modelKind: String
  package var issuedAt: Timestamp
  package var currency: String?
  package var unit: String?
  package var steps: [Step]
  package var inputDigest: String
  package var flags: [String]
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
    try coder.required("prediction_id", &predictionID, "32 hexadecimal digits")
    try coder.required("series", &series, "`region.country.category.material`")
    try coder.required("kind", &kind, "Whether it is of prices or demands")
    try coder.required("model", &model, "Name of the model in the registry")
    try coder.required("model_version", &modelVersion, "Version of the model")
    try coder.required("model_kind", &modelKind, "`xgboost`, `lstm`, `deepar`, `croston`, `sba`, `tsb`")
    try coder.required("issued_at", &issuedAt, "Time of the observation that was the occasion")
    try coder.field("currency", &currency, "ISO 4217; null for a demand")
    try coder.field("unit", &unit, "What one of it is: `t`, `kg`, `bbl`, `pc`")
    try coder.required("steps", &steps, "What is expected, in order; empty when the prediction is withheld")
    try coder.required("input_digest", &inputDigest, "What the model was given, as 32 hexadecimal digits")
    try coder.field("flags", &flags, "What was poor about the input: `gap`, `stale_driver`")
    try coder.field(
      "withheld", &withheld, "Why there are no steps: `too_few_observations`, `unit_changed`; null when there are")
  }
}

extension Prediction.Step: FieldwiseObject {
  package static let blank = Self(step: 0, targetAt: .epoch, mean: .zero)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("step", &step, "1 for the next period")
    try coder.required("target_at", &targetAt, "The time that it is about")
    try coder.number("mean", &mean, "The expected value [as of the series]", isRequired: true)
    try coder.field(
      "quantiles", &quantiles,
      "By probability, ascending: 0.1, 0.5, 0.9; empty of a model that gives none [as of the series]")
  }
}

/// `[0.9, 1234.5]`
extension Prediction.Quantile: WrappingJSONValue {
  package static var wrapping: JSONWrapping { .list(Double.self) }

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
