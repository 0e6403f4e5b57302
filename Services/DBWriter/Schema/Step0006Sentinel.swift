import Postgres

extension DBWriterSchema {
  /// Market observations, predictions, and their comparison.
  ///
  /// Neither table is partitioned. Both are read by series, the first column of an index, so monthly partitions would
  /// not shorten a lookup; corrections may concern any month; and observations are kept to train models. Old
  /// predictions are deleted by `issued_at`, which has an index.
  static let sentinel = Migration(6, "sentinel", sql: """
    CREATE TABLE market_observations (
      series text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      observed_at timestamptz NOT NULL,
      material text NOT NULL,
      country text,
      value numeric NOT NULL,
      currency text,
      unit text,
      source text NOT NULL,
      job_id text,
      fetched_at timestamptz,
      flags text[] NOT NULL,
      PRIMARY KEY (series, kind, observed_at)
    );
    CREATE INDEX market_observations_by_time ON market_observations USING brin (observed_at);
    COMMENT ON TABLE market_observations IS
      'One row for each value of a series; what was fetched later corrects what was fetched before';
    COMMENT ON COLUMN market_observations.series IS 'region.country.category.material';

    CREATE TABLE predictions (
      prediction_id uuid NOT NULL,
      step int NOT NULL,
      series text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      model text COLLATE "C" NOT NULL,
      model_version text COLLATE "C" NOT NULL,
      model_kind text COLLATE "C" NOT NULL,
      issued_at timestamptz NOT NULL,
      target_at timestamptz,
      mean numeric,
      quantiles jsonb NOT NULL,
      currency text,
      unit text,
      input_digest uuid NOT NULL,
      flags text[] NOT NULL,
      withheld text,
      PRIMARY KEY (prediction_id, step)
    );
    CREATE INDEX predictions_by_series ON predictions (series, kind, target_at);
    CREATE INDEX predictions_by_issue ON predictions USING brin (issued_at);
    COMMENT ON TABLE predictions IS 'One row for each step ahead; a withheld prediction is one row, step 0';
    COMMENT ON COLUMN predictions.quantiles IS '[[probability, value], ...], ascending; [] for a model that gives none';
    COMMENT ON COLUMN predictions.withheld IS 'Why there is no prediction: too_few_observations, unit_changed ...';

    CREATE VIEW prediction_outcomes AS
      SELECT p.prediction_id, p.step, p.series, p.kind, p.model, p.model_version, p.model_kind, p.issued_at,
             p.target_at, p.mean, o.value AS actual, o.observed_at,
             abs(p.mean - o.value) AS absolute_error,
             100 * abs(p.mean - o.value) / nullif(abs(o.value), 0) AS percentage_error,
             (p.quantiles->0->>1)::numeric AS lower, (p.quantiles->-1->>1)::numeric AS upper,
             (p.quantiles->-1->>0)::numeric - (p.quantiles->0->>0)::numeric AS promised,
             o.value BETWEEN (p.quantiles->0->>1)::numeric AND (p.quantiles->-1->>1)::numeric AS is_inside,
             p.flags
      FROM predictions p
      JOIN LATERAL (
        SELECT x.value, x.observed_at, x.currency, x.unit
        FROM market_observations x
        WHERE x.series = p.series AND x.kind = p.kind AND x.observed_at <= p.target_at
          AND x.observed_at > p.target_at - (p.target_at - p.issued_at) / p.step
        ORDER BY x.observed_at DESC
        LIMIT 1
      ) AS o ON true
      WHERE p.step > 0 AND o.currency IS NOT DISTINCT FROM p.currency AND o.unit IS NOT DISTINCT FROM p.unit;
    COMMENT ON VIEW prediction_outcomes IS
      'Each predicted step that came true: beside it the last value observed in the period it was about';

    CREATE VIEW prediction_accuracy AS
      WITH made AS (
        SELECT model, model_version, model_kind, kind, count(*) FILTER (WHERE step > 0) AS steps,
               count(*) FILTER (WHERE step = 0) AS withheld
        FROM predictions
        GROUP BY model, model_version, model_kind, kind
      ), compared AS (
        SELECT model, model_version, kind, count(*) AS compared, avg(absolute_error) AS mae,
               avg(percentage_error) AS mape, 100 * avg(is_inside::int) AS coverage, 100 * avg(promised) AS promised
        FROM prediction_outcomes
        GROUP BY model, model_version, kind
      )
      SELECT m.model, m.model_version, m.model_kind, m.kind, m.steps, m.withheld, coalesce(c.compared, 0) AS compared,
             c.mae, round(c.mape, 2) AS mape, round(c.coverage, 1) AS coverage, round(c.promised, 1) AS promised
      FROM made m
      LEFT JOIN compared c USING (model, model_version, kind);
    COMMENT ON VIEW prediction_accuracy IS
      'Errors of each model version (mape in %, without zeros), and the % of values within its outer quantiles';
    """)
}
