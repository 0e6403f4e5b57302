import Postgres
import Schemas

/// `db_write_buffer`: one row for each step of each prediction, and one, step 0, for a prediction that was withheld.
package struct PredictionTarget: WriteTarget {
  package let name = "predictions"
  package let topics = [Topics.databaseWriteBuffer]
  package let staging = [PredictionSQL.predictions, PredictionSQL.steps]

  package init() {}

  package func makeReader() -> any TargetReader { Reader() }

  package func merge(_ dialect: Dialect) -> [MergeStatement] { [PredictionSQL.merge] }

  private final class Reader: TargetReader {
    private var json = JSONWriter()

    func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure) {
      let prediction = try Prediction(decoding: value, limits: JSONReader.Limits())
      try check(prediction)
      let id = try StagingLimits.id(Array(prediction.predictionID.utf8).span.bytes, "prediction_id")
      let digest = try StagingLimits.id(Array(prediction.inputDigest.utf8).span.bytes, "input_digest")
      rows.tables[0].beginRow(fields: PredictionSQL.predictions.columns.count)
      rows.tables[0].int4(rows.batch)
      rows.tables[0].int4(0)
      rows.tables[0].id(id)
      for text in [
        prediction.series.text, prediction.kind.rawValue, prediction.model, prediction.modelVersion,
        prediction.modelKind,
      ] { rows.tables[0].text(text) }
      rows.tables[0].time(prediction.issuedAt)
      for text in [prediction.currency, prediction.unit] { rows.tables[0].textOrNull(text) }
      rows.tables[0].id(digest)
      rows.tables[0].texts(prediction.flags)
      rows.tables[0].textOrNull(prediction.withheld)
      if prediction.steps.isEmpty { addStep(0, at: nil, mean: nil, [], &rows) }
      for step in prediction.steps {
        addStep(Int32(truncatingIfNeeded: step.step), at: step.targetAt, mean: step.mean, step.quantiles, &rows)
      }
      rows.keep()
    }

    private func addStep(
      _ step: Int32, at time: Timestamp?, mean: ExactDecimal?, _ quantiles: [Prediction.Quantile],
      _ rows: inout MessageRows
    ) {
      rows.tables[1].beginRow(fields: PredictionSQL.steps.columns.count)
      rows.tables[1].int4(rows.batch)
      rows.tables[1].int4(0)
      rows.tables[1].int4(step)
      rows.tables[1].timeOrNull(time)
      rows.tables[1].decimalOrNull(mean)
      json.clear()
      Prediction.encode(quantiles, into: &json)
      rows.tables[1].jsonb(json.array())
    }

    private func check(_ prediction: Prediction) throws(DecodingFailure) {
      try StagingLimits.checkTime(prediction.issuedAt, "issued_at")
      try StagingLimits.checkFlags(prediction.flags)
      for (text, field) in [
        (prediction.model, "model"), (prediction.modelVersion, "model_version"), (prediction.modelKind, "model_kind"),
        (prediction.currency, "currency"), (prediction.unit, "unit"), (prediction.withheld, "withheld"),
      ] as [(String?, StaticString)] { try StagingLimits.checkText(text, field) }
      guard prediction.steps.isEmpty == (prediction.withheld != nil) else {
        throw DecodingFailure(.badValue, at: 0, "either steps or the reason there are none", field: "withheld")
      }
      var before: Int64 = 0
      for step in prediction.steps {
        guard step.step > before, step.step <= StagingLimits.predictionSteps else {
          throw DecodingFailure(.badValue, at: 0, "not 1 to 1000, ascending", field: "step")
        }
        before = step.step
        try StagingLimits.checkTime(step.targetAt, "target_at")
        for (left, right) in zip(step.quantiles, step.quantiles.dropFirst())
        where left.probability >= right.probability {
          throw DecodingFailure(.badValue, at: 0, "not ascending", field: "quantiles")
        }
      }
    }
  }
}
