import Catalogue
import Messages
import Postgres
import Values

/// `sentinel_market_data.*`: one row for each value of each series, as fetched last.
package struct ObservationTarget: WriteTarget {
  package let name = "observations"
  package let topics = Topics.commodityObservations
  package let staging = [Self.observations]

  package func makeReader() -> any TargetReader { Reader() }

  package func merge(_ dialect: Dialect) -> [MergeStatement] { [Self.merge] }

  private static let observations = StagingTable("staged_observations", .element, [
    "batch int NOT NULL", "series text COLLATE \"C\" NOT NULL", "kind text COLLATE \"C\" NOT NULL",
    "observed_at timestamptz NOT NULL", "material text NOT NULL", "country text", "value numeric NOT NULL",
    "currency text", "unit text", "source text NOT NULL", "job_id text", "fetched_at timestamptz",
    "flags text[] NOT NULL",
  ])

  /// The value fetched last counts; of two fetched at the same time, the later in the topic. A missing time is earlier
  /// than any. A repeat changes nothing.
  private static let merge = MergeStatement("merge observations", into: "market_observations", """
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

  private final class Reader: TargetReader {
    func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure) {
      let observation = try CommodityObservation(decoding: value, limits: JSONReader.Limits())
      try check(observation)
      rows.tables[0].beginRow(fields: ObservationTarget.observations.columns.count)
      rows.tables[0].int4(rows.batch)
      rows.tables[0].text(observation.series.text)
      rows.tables[0].text(observation.kind.rawValue)
      rows.tables[0].time(observation.observedAt)
      rows.tables[0].text(observation.material)
      rows.tables[0].textOrNull(observation.country)
      rows.tables[0].decimal(observation.value)
      for text in [observation.currency, observation.unit] { rows.tables[0].textOrNull(text) }
      rows.tables[0].text(observation.source)
      rows.tables[0].textOrNull(observation.jobID)
      rows.tables[0].timeOrNull(observation.fetchedAt)
      rows.tables[0].texts(observation.flags)
      rows.keep()
    }

    private func check(_ observation: CommodityObservation) throws(DecodingFailure) {
      try StagingLimits.checkTime(observation.observedAt, "observed_at")
      try StagingLimits.checkFlags(observation.flags)
      for (text, field) in [
        (observation.material, "material"), (observation.country, "country"), (observation.currency, "currency"),
        (observation.unit, "unit"), (observation.source, "source"), (observation.jobID, "job_id"),
      ] as [(String?, StaticString)] { try StagingLimits.checkText(text, field) }
    }
  }
}
