import Catalogue
import Messages
import Postgres
import Values

/// `db_write_buffer`: one row for each step of each prediction; one row, step 0, for a withheld prediction.
package struct PredictionTarget: WriteTarget {
  package let name = "predictions"
  package let topics = [Topics.databaseWriteBuffer]
  package let staging = [PredictionSQL.predictions, PredictionSQL.steps]

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
      quantiles.write(to: &json)
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
        throw DecodingFailure(.badValue, at: 0, "neither or both of steps and withheld", field: "withheld")
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

/// The staging tables and the merge of predictions.
enum PredictionSQL {
  static let predictions = StagingTable("staged_predictions", .element, [
    "batch int NOT NULL", "number int NOT NULL", "prediction_id uuid NOT NULL", "series text COLLATE \"C\" NOT NULL",
    "kind text NOT NULL", "model text NOT NULL", "model_version text NOT NULL", "model_kind text NOT NULL",
    "issued_at timestamptz NOT NULL", "currency text", "unit text", "input_digest uuid NOT NULL",
    "flags text[] NOT NULL", "withheld text",
  ])

  static let steps = StagingTable("staged_prediction_steps", .part, [
    "batch int NOT NULL", "number int NOT NULL", "step int NOT NULL", "target_at timestamptz", "mean numeric",
    "quantiles jsonb NOT NULL",
  ])

  /// A repeated prediction has the same id and contents: the first one stays.
  static let merge = MergeStatement("merge predictions", into: "predictions", """
    INSERT INTO predictions (\(columns))
    SELECT DISTINCT ON (p.prediction_id, s.step) \(columns)
    FROM staged_predictions p
    JOIN staged_prediction_steps s USING (batch)
    ORDER BY p.prediction_id, s.step, p.batch
    ON CONFLICT (prediction_id, step) DO NOTHING
    """)

  private static let columns = (predictions.names + steps.names).listed()
}
