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
