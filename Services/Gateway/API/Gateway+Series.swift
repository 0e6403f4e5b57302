import Core
import Messages
import Postgres
import Redis
import Routing
import ServiceKit
import Values

/// Which series there are: of commodities in the database, with how good their forecasts were, and of markets in Redis.
extension Gateway {
  private static let kind = Parameter("kind", .choice(["price", "demand"], standard: "price"), "Of what.")

  var seriesEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/forecasts", "series", "Series that have observations or forecasts.",
        [
          Parameter("pattern", .text(most: 200), """
            Of these only, as routes are written: `*` is one word, `#` any number: `eu.*.polymer.#`. Default all.
            """), Self.kind, Self.limit(200, 1_000), Self.cursor,
        ], answer: .series) { try await series($0) },
      Endpoint(
        .get, "/forecasts/accuracy", "accuracy",
        "How good forecasts were, by version of a model, and what was withheld.",
        [Parameter("series", .word(most: 200), "Of this series only; default of all."), Self.kind],
        answer: .accuracy) { try await accuracy($0) },
      Endpoint(
        .get, "/forecasts/{series}/observations", "observations", "The values that came, by their time.",
        [Parameter("series", .word(most: 200), in: .path, "region.country.category.material."), Self.kind] + Self.range,
        answer: .observations) { try await observations($0) },
    ]
  }

  var symbolEndpoint: Endpoint {
    Endpoint(
      .get, "/symbols", "symbols", "Symbols that the live side has values of, with the last ones.",
      [
        Parameter("of", .choice(["bar", "tick", "flow", "sentiment"], standard: "bar"), "Values of what."),
        Parameter("interval", .choice(FeedBarFields.lengths.keys.sorted(), standard: "1m"), "Of bars."),
        Parameter("points", .count(standard: 30, most: 500), "Most values of each symbol."),
      ], answer: .symbols) { try await symbols($0) }
  }

  // MARK: - commodities

  private func series(_ call: Call) async throws -> Reply {
    let (skip, most) = (Int(call.cursor("cursor")?.time ?? 0), call.count("limit"))
    let pattern: RoutingPattern
    do throws(RoutingPatternError) {
      pattern = try RoutingPattern(call.text("pattern").isEmpty ? "#" : call.text("pattern"))
    } catch { throw Problem.badParameter("pattern", "is no pattern: \(error)") }
    let rows = try await rows("""
      SELECT series, coalesce(o.observations, 0), \(Database.microseconds("o.observed_at")), coalesce(p.steps, 0),
             coalesce(p.withheld, 0), \(Database.microseconds("p.issued_at")), coalesce(p.models, '[]'), p.unit,
             p.currency
      FROM (
        SELECT series, count(*) AS observations, max(observed_at) AS observed_at
        FROM market_observations WHERE kind = $1 GROUP BY series
      ) AS o FULL JOIN (
        SELECT series, count(*) FILTER (WHERE step > 0) AS steps, count(*) FILTER (WHERE step = 0) AS withheld,
               max(issued_at) AS issued_at, json_agg(DISTINCT model) AS models, max(unit) AS unit,
               max(currency) AS currency
        FROM predictions WHERE kind = $1 GROUP BY series
      ) AS p USING (series) ORDER BY series
      """, [.text(call.text("kind"))], "series")
    let found = rows.filter { row in row[0].map { pattern.matches($0.utf8Span.span.bytes) } ?? false }
    let page = found.dropFirst(skip).prefix(most)
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("kind", call.text("kind"))
    writer.field("pattern", pattern.description)
    writer.key("count")
    writer.integer(Int64(found.count))
    writer.rows("series", page, [
      ("series", .text), ("observations", .number), ("observed_at", .time), ("steps", .number), ("withheld", .number),
      ("issued_at", .time), ("models", .json), ("unit", .text), ("currency", .text),
    ])
    writer.cursor(skip + page.count < found.count ? Cursor(time: Int64(skip + page.count)) : nil)
    writer.truth(Truth(watermark: Array(page).newest(5) ?? Array(page).newest(2)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  /// `relative_error` is the mean absolute error over that of the last value that was known at the issue, of the same
  /// steps (Hyndman and Koehler 2006, relative MAE): below 1 is better than "it stays as it is".
  private func accuracy(_ call: Call) async throws -> Reply {
    let series: PostgresValue = call.text("series").isEmpty ? .null : .text(call.text("series"))
    let rows = try await rows("""
      WITH chosen AS (
        SELECT * FROM predictions WHERE kind = $1 AND ($2::text IS NULL OR series = $2)
      ), made AS (
        SELECT model, model_version, model_kind, count(*) FILTER (WHERE step > 0) AS steps,
               count(*) FILTER (WHERE step = 0) AS withheld, max(issued_at) AS issued_at
        FROM chosen GROUP BY model, model_version, model_kind
      ), reasons AS (
        SELECT model, model_version, json_object_agg(reason, times) AS reasons FROM (
          SELECT model, model_version, coalesce(withheld, 'unknown') AS reason, count(*) AS times
          FROM chosen WHERE step = 0 GROUP BY 1, 2, 3) AS r
        GROUP BY model, model_version
      ), compared AS (
        SELECT c.model, c.model_version, count(*) AS compared, count(c.is_inside) AS intervals,
               avg(c.absolute_error) AS mae, avg(c.percentage_error) AS mape,
               100 * avg(c.is_inside::int) AS coverage, 100 * avg(c.promised) AS promised,
               avg(c.absolute_error) FILTER (WHERE n.value IS NOT NULL)
                 / nullif(avg(abs(n.value - c.actual)), 0) AS ratio
        FROM prediction_outcomes c LEFT JOIN LATERAL (
          SELECT o.value FROM market_observations o
          WHERE o.series = c.series AND o.kind = c.kind AND o.observed_at <= c.issued_at
          ORDER BY o.observed_at DESC LIMIT 1) AS n ON true
        WHERE c.kind = $1 AND ($2::text IS NULL OR c.series = $2)
        GROUP BY c.model, c.model_version
      )
      SELECT model, model_version, m.model_kind, m.steps, m.withheld, coalesce(r.reasons, '{}'),
             coalesce(c.compared, 0), round(c.mae, 6), round(c.mape, 2), round(c.ratio, 3), coalesce(c.intervals, 0),
             round(c.promised, 1), round(c.coverage, 1), \(Database.microseconds("m.issued_at"))
      FROM made m LEFT JOIN reasons r USING (model, model_version) LEFT JOIN compared c USING (model, model_version)
      ORDER BY model, m.issued_at DESC, model_version
      """, [.text(call.text("kind")), series], "accuracy")
    var writer = JSONWriter()
    writer.beginObject()
    writer.text("series", call.text("series").isEmpty ? nil : call.text("series"))
    writer.field("kind", call.text("kind"))
    writer.rows("versions", rows, [
      ("model", .text), ("model_version", .text), ("model_kind", .text), ("steps", .number), ("withheld", .number),
      ("withheld_by_reason", .json), ("compared", .number), ("mae", .number), ("mape", .number),
      ("relative_error", .number), ("intervals", .number), ("promised", .number), ("coverage", .number),
      ("issued_at", .time),
    ])
    writer.truth(Truth(watermark: rows.newest(13)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func observations(_ call: Call) async throws -> Reply {
    let (range, most) = (range(call), call.count("limit"))
    let skip = Int64(call.cursor("cursor")?.skipped ?? 0)
    let rows = try await rows("""
      SELECT \(Database.microseconds("observed_at")), value, currency, unit, source, array_to_json(flags)
      FROM market_observations
      WHERE series = $1 AND kind = $2 AND observed_at >= to_timestamp($3::float8 / 1000)
        AND observed_at < to_timestamp($4::float8 / 1000)
      ORDER BY observed_at LIMIT $5 OFFSET $6
      """, [
        .text(call.text("series")), .text(call.text("kind")), .int(range.lowerBound), .int(range.upperBound),
        .int(Int64(most + 1)), .int(skip),
      ], "observations")
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("series", call.text("series"))
    writer.field("kind", call.text("kind"))
    writer.rows("observations", rows.prefix(most), [
      ("observed_at", .time), ("value", .number), ("currency", .text), ("unit", .text), ("source", .text),
      ("flags", .json),
    ])
    writer.cursor(rows.next(after: most, time: 0, from: range.lowerBound, skip))
    writer.truth(Truth(watermark: rows.newest(0)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  // MARK: - markets

  private func symbols(_ call: Call) async throws -> Reply {
    let (kind, interval) = (call.text("of"), call.text("interval"))
    let series = try await store.series(
      of: kind, interval: kind == "bar" ? interval : nil, last: call.count("points"))
    var writer = JSONWriter(capacity: 32 << 10)
    writer.beginObject()
    writer.field("of", kind)
    writer.text("interval", kind == "bar" ? interval : nil)
    writer.key("symbols")
    writer.beginArray()
    for (symbol, points) in series {
      writer.beginObject()
      writer.field("symbol", symbol)
      writer.key("values")
      writer.beginArray()
      for point in points {
        writer.beginObject()
        writer.time("time", ms: point.stamp)
        writer.key("value")
        writer.raw(point.value)
        writer.endObject()
      }
      writer.endArray()
      writer.endObject()
    }
    writer.endArray()
    writer.truth(Truth(watermark: series.compactMap { $0.points.last?.stamp }.max().map { $0 * 1_000_000 }))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }
}

extension HotStore {
  /// The field of a kind of series that has every stamp.
  private static let fields = ["bar": "close", "tick": "price", "flow": "flow", "sentiment": "sentiment"]

  /// The last values of each symbol, ascending, by symbols in their order.
  /// - Parameter kind: bar, tick, flow or sentiment.
  func series(
    of kind: String, interval: String?, last count: Int
  ) async throws(RedisError) -> [(symbol: String, points: [(stamp: Int64, value: String)])] {
    let words = ["-", "+", "SELECTED_LABELS", "symbol", "COUNT", "\(count)", "FILTER", "kind=\(kind)"]
      + ["field=\(Self.fields[kind] ?? kind)"] + (interval.map { ["interval=\($0)"] } ?? [])
    let reply = try await answers([RedisCommand("TS.MREVRANGE", words.map { Array($0.utf8) })])[0]
    let series = (reply.array ?? []).compactMap { entry -> (symbol: String, points: [(stamp: Int64, value: String)])? in
      guard let parts = entry.array, parts.count == 3, let symbol = parts[1].array?.first?.array?.last?.text else {
        return nil
      }
      return (symbol, Self.points(parts[2]).reversed())
    }
    return series.sorted { $0.symbol < $1.symbol }
  }
}
