import Core
import Influx
import Messages
import Postgres
import ServiceKit

/// Forecasts of commodities with what came of them, and bars of the Egyptian Exchange.
extension Gateway {
  private static let series = Parameter(
    "series", .word(most: 200), in: .path, "region.country.category.material, as routing keys are written.")
  private static let kind = Parameter("kind", .choice(["price", "demand"], standard: "price"), "Of what.")

  var forecastEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/forecasts/{series}", "forecasts", "What each model expects of a series: its last forecast, by step.",
        [Self.series, Self.kind, Parameter("as_of", .time, "The last one that was issued by this time; default now.")],
        answer: .forecasts) { try await forecasts($0) },
      Endpoint(
        .get, "/forecasts/{series}/outcomes", "outcomes", "Forecasts whose time has come, and the value that came.",
        [Self.series, Self.kind] + Self.range, answer: .outcomes) { try await outcomes($0) },
    ]
  }

  private func forecasts(_ call: Call) async throws -> Reply {
    let rows = try await rows("""
      SELECT replace(p.prediction_id::text, '-', ''), p.step, p.model, p.model_version, p.model_kind,
             \(Database.microseconds("p.issued_at")), \(Database.microseconds("p.target_at")), p.mean, p.quantiles,
             p.currency, p.unit, array_to_json(p.flags), p.withheld
      FROM predictions p
      JOIN (
        SELECT DISTINCT ON (model) model, prediction_id FROM predictions
        WHERE series = $1 AND kind = $2 AND ($3::float8 IS NULL OR issued_at <= to_timestamp($3::float8 / 1000))
        ORDER BY model, issued_at DESC, prediction_id
      ) AS last USING (prediction_id)
      ORDER BY p.model, p.step
      """, [
        .text(call.text("series")), .text(call.text("kind")), call.time("as_of").map { .int($0) } ?? .null,
      ], "forecasts")
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("series", call.text("series"))
    writer.field("kind", call.text("kind"))
    writer.rows("forecasts", rows, [
      ("prediction_id", .text), ("step", .number), ("model", .text), ("model_version", .text), ("model_kind", .text),
      ("issued_at", .time), ("target_at", .time), ("mean", .number), ("quantiles", .json), ("currency", .text),
      ("unit", .text), ("flags", .json), ("withheld", .text),
    ])
    writer.truth(Truth(watermark: rows.newest(5)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  private func outcomes(_ call: Call) async throws -> Reply {
    let (range, most) = (range(call), call.count("limit"))
    let skip = Int64(call.cursor("cursor")?.skipped ?? 0)
    let rows = try await rows("""
      SELECT replace(p.prediction_id::text, '-', ''), p.step, p.model, p.model_version,
             \(Database.microseconds("p.issued_at")), \(Database.microseconds("p.target_at")), p.mean, p.lower, p.upper,
             p.promised, p.actual, \(Database.microseconds("p.observed_at")), p.absolute_error, p.is_inside
      FROM prediction_outcomes p
      WHERE p.series = $1 AND p.kind = $2 AND p.target_at >= to_timestamp($3::float8 / 1000)
        AND p.target_at < to_timestamp($4::float8 / 1000)
      ORDER BY p.target_at, p.model, p.issued_at, p.step LIMIT $5 OFFSET $6
      """, [
        .text(call.text("series")), .text(call.text("kind")), .int(range.lowerBound), .int(range.upperBound),
        .int(Int64(most + 1)), .int(skip),
      ], "outcomes")
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("series", call.text("series"))
    writer.field("kind", call.text("kind"))
    writer.rows("outcomes", rows.prefix(most), [
      ("prediction_id", .text), ("step", .number), ("model", .text), ("model_version", .text), ("issued_at", .time),
      ("target_at", .time), ("mean", .number), ("lower", .number), ("upper", .number), ("promised", .number),
      ("actual", .number), ("observed_at", .time), ("absolute_error", .number), ("is_inside", .boolean),
    ])
    writer.cursor(rows.next(after: most, time: 5, from: range.lowerBound, skip))
    writer.truth(Truth(watermark: rows.newest(11)))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }

  // MARK: - the exchange

  var exchangeEndpoints: [Endpoint] {
    [
      Endpoint(
        .get, "/egx/bars/{symbol}", "exchangeBars", "Bars of the Egyptian Exchange, by their opening.",
        [
          Parameter("symbol", .word(most: 32), in: .path, "As the exchange writes it: COMI."),
          Parameter("interval", .word(most: 16), "As egx-producer names it; default Daily."),
        ] + Self.range, answer: .exchangeBars) { try await exchangeBars($0) },
    ]
  }

  private func exchangeBars(_ call: Call) async throws -> Reply {
    guard let exchange else { throw Problem.away("influx", "this gateway has no time series database") }
    let (range, most) = (range(call), call.count("limit"))
    let interval = call.text("interval").isEmpty ? "Daily" : call.text("interval")
    let fields = ["open", "high", "low", "close", "volume"]
    let found: [InfluxSeries]
    do {
      // Words of parameters have no quotation marks.
      found = try await exchange.query("""
        SELECT \(fields.map { "\"\($0)\"" }.joined(separator: ",")) FROM stock_price \
        WHERE "symbol" = '\(call.text("symbol"))' AND "interval" = '\(interval)' \
        AND time >= \(range.lowerBound)ms AND time < \(range.upperBound)ms ORDER BY time LIMIT \(most + 1)
        """)
    } catch where ErrorClass(of: error) == .transient {
      throw Problem.away("influx", "the time series database does not answer; ask again", after: 5)
    }
    let rows = found.first?.values ?? []
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("symbol", call.text("symbol"))
    writer.field("interval", interval)
    writer.key("bars")
    writer.beginArray()
    for row in rows.prefix(most) where row.count == fields.count + 1 {
      writer.beginObject()
      writer.time("start", ns: row[0].number.map { Int64($0) * 1_000 })
      for (name, value) in zip(fields, row.dropFirst()) {
        writer.key(named: name)
        if let number = value.number { number.write(to: &writer) } else { writer.null() }
      }
      writer.endObject()
    }
    writer.endArray()
    let next = rows.count > most ? rows[most].first?.number.map { Cursor(time: Int64($0 / 1_000)) } : nil
    writer.cursor(next)
    writer.truth(Truth(watermark: rows.last?.first?.number.map { Int64($0) * 1_000 }))
    writer.endObject()
    return .json(writer.array(), keptFor: 0)
  }
}
