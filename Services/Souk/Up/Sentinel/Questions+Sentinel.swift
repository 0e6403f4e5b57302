import ServiceKit

extension Questions {
  /// What a run of the market intelligence system ends with.
  static let sentinel = [
    Question(
      title: "What is expected next? (the newest prediction of some series, its interval, and what came)",
      sql: """
        SELECT series, model, to_char(issued_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI'), step, round(mean, 2),
               '[' || round((quantiles->0->>1)::numeric, 2) || ', ' || round((quantiles->-1->>1)::numeric, 2) || ']',
               (SELECT round(o.actual, 2) FROM prediction_outcomes o
                WHERE o.prediction_id = p.prediction_id AND o.step = p.step), coalesce(unit, ''), coalesce(currency, '')
        FROM (
          SELECT DISTINCT ON (model, series) x.*
          FROM predictions x JOIN prediction_outcomes USING (prediction_id, step)
          WHERE x.series LIKE 'mena.egypt.%' AND x.step = 1
          ORDER BY model, series, x.issued_at DESC
        ) AS p
        WHERE series IN (
          SELECT series FROM (
            SELECT DISTINCT series, split_part(series, '.', 3) AS category,
                   dense_rank() OVER (PARTITION BY split_part(series, '.', 3) ORDER BY series) AS place
            FROM predictions WHERE series LIKE 'mena.egypt.%') AS ranked
          WHERE place <= 3)
        ORDER BY series, model
        """,
      columns: [
        "SERIES", "MODEL", "ISSUED (UTC)", .right("STEP"), .right("EXPECTED"), .right("INTERVAL"), .right("CAME"),
        "UNIT", "CURRENCY",
      ]),
    Question(
      title: "How well does each model do? (errors of what came true; coverage beside what was promised)",
      sql: """
        SELECT model, model_version, model_kind, kind, steps, withheld, compared, round(mae, 2),
               coalesce(mape || ' %', '-'), coalesce(coverage || ' %', '-'), coalesce(promised || ' %', '-'),
               coalesce(intervals, '-')
        FROM prediction_accuracy ORDER BY model
        """,
      columns: [
        "MODEL", "VERSION", "KIND", "OF", .right("STEPS"), .right("WITHHELD"), .right("COMPARED"), .right("MAE"),
        .right("MAPE"), .right("COVERAGE"), .right("PROMISED"), "INTERVALS",
      ]),
    Question(
      title: "Why was nothing predicted?",
      sql: """
        SELECT model, withheld, count(*) FROM predictions WHERE withheld IS NOT NULL
        GROUP BY model, withheld ORDER BY model, 3 DESC
        """,
      columns: ["MODEL", "REASON", .right("PREDICTIONS")]),
    Question(
      title: "What was observed?",
      sql: """
        SELECT split_part(series, '.', 3), kind, count(DISTINCT series), count(*),
               to_char(min(observed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
               to_char(max(observed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
        FROM market_observations GROUP BY 1, 2 ORDER BY 1, 2
        """,
      columns: ["CATEGORY", "KIND", .right("SERIES"), .right("OBSERVATIONS"), "FIRST (UTC)", "LAST (UTC)"]),
  ]
}
