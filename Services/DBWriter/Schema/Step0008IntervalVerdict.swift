import Postgres

extension DBWriterSchema {
  /// Whether a model's intervals reach their promised coverage.
  static let intervalVerdict = Migration(8, "interval_verdict", sql: """
    CREATE OR REPLACE VIEW prediction_accuracy AS
      WITH made AS (
        SELECT model, model_version, model_kind, kind, count(*) FILTER (WHERE step > 0) AS steps,
               count(*) FILTER (WHERE step = 0) AS withheld
        FROM predictions
        GROUP BY model, model_version, model_kind, kind
      ), compared AS (
        SELECT model, model_version, kind, count(*) AS compared, count(is_inside) AS intervals,
               avg(absolute_error) AS mae, avg(percentage_error) AS mape,
               100 * avg(is_inside::int) AS coverage, 100 * avg(promised) AS promised
        FROM prediction_outcomes
        GROUP BY model, model_version, kind
      )
      SELECT m.model, m.model_version, m.model_kind, m.kind, m.steps, m.withheld, coalesce(c.compared, 0) AS compared,
             c.mae, round(c.mape, 2) AS mape, round(c.coverage, 1) AS coverage, round(c.promised, 1) AS promised,
             CASE WHEN c.intervals < 200 OR c.coverage IS NULL THEN NULL
                  WHEN c.coverage < c.promised - 5 THEN 'too narrow'
                  WHEN c.coverage > c.promised + 5 THEN 'too wide'
                  ELSE 'hold' END AS intervals
      FROM made m
      LEFT JOIN compared c USING (model, model_version, kind);
    COMMENT ON COLUMN prediction_accuracy.intervals IS
      'hold: coverage is within 5 points of the promise; too narrow, too wide: it is not; null: fewer than 200 values';
    """)
}
