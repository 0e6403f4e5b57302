import Catalogue
import Messages
import Postgres
import Values

extension WriteTarget {
  /// `sentinel_market_data.*`: one row for each value of each series, as fetched last.
  static let observations = messages(
    "observations", of: Topics.commodityObservations, into: ObservationSQL.observations, ObservationSQL.columns,
    merge: [ObservationSQL.merge])
}

/// The staging table and the merge of observations.
enum ObservationSQL {
  static let columns: [Column<CommodityObservation>] = [
    .text("series", isOrdered: true, \.series.text), .text("kind", isOrdered: true, \.kind.rawValue),
    .time("observed_at", isChecked: true, \.observedAt), .text("material", \.material), .text("country", \.country),
    .decimal("value", \.value), .text("currency", \.currency), .text("unit", \.unit),
    .text("source", \.source), .text("job_id", \.jobID), .time("fetched_at", \.fetchedAt), .flags(\.flags),
  ]
  static let observations = StagingTable("staged_observations", .element, columns)

  /// The value fetched last counts; of two fetched at the same time, the later in the topic. A missing time is earlier
  /// than any. A repeat changes nothing.
  static let merge = MergeStatement("merge observations", into: "market_observations", """
    INSERT INTO market_observations AS p (\(observations.names.listed()))
    SELECT DISTINCT ON (series, kind, observed_at) \(observations.names.listed())
    FROM staged_observations
    ORDER BY series, kind, observed_at, fetched_at DESC NULLS LAST, batch DESC
    ON CONFLICT (series, kind, observed_at) DO UPDATE SET
      \(facts.takenOver)
    WHERE (EXCLUDED.fetched_at >= p.fetched_at OR p.fetched_at IS NULL)
      AND (\(facts.listed(of: "p"))) IS DISTINCT FROM (\(facts.listed(of: "EXCLUDED")))
    """)

  /// The columns after the key.
  private static let facts = observations.names.dropFirst(3)
}

extension WriteTarget {
  /// `db_write_buffer`: one row for each step of each prediction; one row, step 0, for a withheld prediction.
  static let predictions = WriteTarget(
    name: "predictions", topics: [Topics.databaseWriteBuffer],
    staging: [PredictionSQL.predictions, PredictionSQL.steps], merge: [PredictionSQL.merge]
  ) {
    { value, rows throws(DecodingFailure) in
      let prediction = try Prediction(decoding: value)
      try check(prediction)
      try rows.tables[0].append(prediction, PredictionSQL.columns, rows.batch, 0)
      let steps = prediction.steps.isEmpty ? [nil] : prediction.steps.map(Optional.some)
      for step in steps { try rows.tables[1].append(step, PredictionSQL.stepColumns, rows.batch, 0) }
      rows.keep()
    }
  }

  private static func check(_ prediction: Prediction) throws(DecodingFailure) {
    guard prediction.steps.isEmpty == (prediction.withheld != nil) else {
      throw DecodingFailure(.badValue, at: 0, "neither or both of steps and withheld", field: "withheld")
    }
    var before: Int64 = 0
    for step in prediction.steps {
      guard step.step > before, step.step <= StagingLimits.predictionSteps else {
        throw DecodingFailure(.badValue, at: 0, "not 1 to 1000, ascending", field: "step")
      }
      before = step.step
      for (left, right) in zip(step.quantiles, step.quantiles.dropFirst())
      where left.probability >= right.probability {
        throw DecodingFailure(.badValue, at: 0, "not ascending", field: "quantiles")
      }
    }
  }
}

/// The staging tables and the merge of predictions.
enum PredictionSQL {
  static let columns: [Column<Prediction>] = [
    .id("prediction_id", \.predictionID), .text("series", isOrdered: true, \.series.text),
    .text("kind", \.kind.rawValue), .text("model", \.model), .text("model_version", \.modelVersion),
    .text("model_kind", \.modelKind), .time("issued_at", isChecked: true, \.issuedAt), .text("currency", \.currency),
    .text("unit", \.unit), .id("input_digest", \.inputDigest), .flags(\.flags),
    .text("withheld", \.withheld),
  ]
  static let predictions = StagingTable("staged_predictions", .element, hasNumber: true, columns)
  /// A withheld prediction has one step without values.
  static let stepColumns: [Column<Prediction.Step?>] = [
    .number("step") { $0?.step ?? 0 }, .time("target_at", isChecked: true) { $0?.targetAt },
    .decimal("mean") { $0?.mean }, .json("quantiles") { $0?.quantiles ?? [] },
  ]
  static let steps = StagingTable("staged_prediction_steps", .part, hasNumber: true, stepColumns)

  /// A repeated prediction has the same id and contents: the first one stays.
  static let merge = MergeStatement("merge predictions", into: "predictions", """
    INSERT INTO predictions (\(names))
    SELECT DISTINCT ON (p.prediction_id, s.step) \(names)
    FROM staged_predictions p
    JOIN staged_prediction_steps s USING (batch)
    ORDER BY p.prediction_id, s.step, p.batch
    ON CONFLICT (prediction_id, step) DO NOTHING
    """)

  private static let names = (predictions.names + steps.names).listed()
}
