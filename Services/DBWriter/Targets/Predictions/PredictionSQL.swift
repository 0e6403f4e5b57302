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

  /// The same prediction made again has the same id and says the same: the first one stays.
  static let merge = MergeStatement("merge predictions", .rows(of: "predictions"), sql: """
    WITH written AS (
      INSERT INTO predictions (\(columns))
      SELECT DISTINCT ON (p.prediction_id, s.step) \(columns)
      FROM staged_predictions p
      JOIN staged_prediction_steps s USING (batch)
      ORDER BY p.prediction_id, s.step, p.batch
      ON CONFLICT (prediction_id, step) DO NOTHING
      RETURNING 1
    )
    SELECT count(*) FROM written
    """)

  private static let columns = (predictions.columns + steps.columns)
    .map { String($0.prefix { $0 != " " }) }.filter { $0 != "batch" && $0 != "number" }.joined(separator: ", ")
}
