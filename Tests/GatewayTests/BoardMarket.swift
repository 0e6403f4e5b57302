import Core
import DBWriterService
import Foundation
import LocalServers
import Messages
import Postgres
import Redis
import Testing
import TestSupport
import Values

/// A small market for the board: what db-writer and hot-writer keep of two chains, a series and a symbol, with names
/// that try to leave their place.
struct BoardMarket {
  static let ean = "7290000149844", series = "eu.de.polymer.pp", symbol = "BRD"
  static let hebrew = "חלב 3% תנובה", hostile = "<script>alert(1)</script>\" onload='x'"
  /// Yesterday afternoon in New York, so that its bars are of one session; milliseconds since 1970.
  let now = WallClock.milliseconds() / 86_400_000 * 86_400_000 - 6 * 3_600_000

  private static let file = "00000000-0000-0000-0000-0000000000"

  /// Prices with digits that end in zeros; a silence of three days; intervals that promise 80 % and reach 60 %.
  private static let rows = """
    INSERT INTO masters (master_id, name, brand, gtin, minted_at) VALUES ('m1', '\(hebrew)', 'Tnuva', '\(ean)', now());
    INSERT INTO products (chain, ean, master_id, name, manufacturer, file_time, file_id, row_number) VALUES
      ('shufersal', '\(ean)', 'm1', '\(hebrew)', 'תנובה', now(), '\(file)01', 1),
      ('ramilevy', '\(ean)', 'm1', 'Milk 3% Tnuva', 'Tnuva', now(), '\(file)01', 1),
      ('ramilevy', '7290000000017', 'm2', $$\(hostile)$$, null, now(), '\(file)01', 2);
    INSERT INTO prices (chain, store_id, ean, price, price_since, file_time, file_id, row_number) VALUES
      ('shufersal', '1', '\(ean)', 6.90, now() - interval '5 days', now(), '\(file)01', 1),
      ('shufersal', '2', '\(ean)', 6.50, now() - interval '20 days', now(), '\(file)01', 1),
      ('ramilevy', '7', '\(ean)', 5.90, now() - interval '9 days', now(), '\(file)01', 1),
      ('ramilevy', '7', '7290000000017', 12.00, now() - interval '9 days', now(), '\(file)01', 2);
    INSERT INTO stores (chain, chain_id, sub_chain_id, store_id, name, city, file_time, file_id)
    VALUES ('ramilevy', '7290058140886', '1', '7', 'תלפיות', 'ירושלים', now(), '\(file)01');
    SELECT ensure_price_history(array(
      SELECT DISTINCT date_trunc('month', now() - make_interval(days => d))::date FROM generate_series(0, 31) d));
    INSERT INTO price_history
      (chain, store_id, ean, file_time, file_id, row_number, price, previous_price, previous_since) VALUES
      ('shufersal', '1', '\(ean)', now() - interval '5 days', '\(file)01', 1, 6.90, 6.20, now() - interval '25 days'),
      ('ramilevy', '7', '\(ean)', now() - interval '9 days', '\(file)01', 1, 5.90, 6.10, now() - interval '25 days');
    INSERT INTO file_effects (file_id, chain, store_id, file_time, prices_new, prices_changed, prices_unchanged,
                              written_at)
      SELECT gen_random_uuid(), c, '1', now() - make_interval(days => d), 1, 0, 0, now()
      FROM generate_series(1, 20) d, unnest(array['shufersal', 'ramilevy']) c WHERE c = 'ramilevy' OR d NOT IN (11, 12);
    INSERT INTO promotions (chain, store_id, promotion_id, description, discounted_price, clubs, items, content_hash,
                            ends_at, file_time, file_id)
      VALUES ('ramilevy', '7', 'p1', 'שניים ב-10', 10, '{}', 1, 1, now() + interval '1 day', now(), '\(file)01');
    INSERT INTO promotion_items (chain, store_id, promotion_id, item_number, ean)
      VALUES ('ramilevy', '7', 'p1', 1, '\(ean)');
    INSERT INTO market_observations (series, kind, observed_at, material, value, currency, unit, source, flags)
      SELECT '\(series)', 'price', date_trunc('day', now()) - make_interval(days => 40 - d), 'pp',
             CASE WHEN d % 5 < 3 THEN 10.00 ELSE 14.00 END, 'EUR', 'kg', 'test', '{}' FROM generate_series(0, 40) d;
    INSERT INTO predictions (prediction_id, step, series, kind, model, model_version, model_kind, issued_at, target_at,
                             mean, quantiles, currency, unit, input_digest, flags)
      SELECT gen_random_uuid(), 1, '\(series)', 'price', 'pp', 'v1', 'deepar',
             date_trunc('day', now()) - make_interval(days => 31 - d),
             date_trunc('day', now()) - make_interval(days => 30 - d), 10.25,
             '[[0.1, 9.50], [0.25, 9.75], [0.5, 10.25], [0.75, 11.00], [0.9, 12.00]]', 'EUR', 'kg', '\(file)01', '{}'
      FROM generate_series(0, 29) d;
    INSERT INTO predictions (prediction_id, step, series, kind, model, model_version, model_kind, issued_at, target_at,
                             mean, quantiles, currency, unit, input_digest, flags)
      SELECT '\(file)77', d, '\(series)', 'price', 'pp', 'v1', 'deepar', date_trunc('day', now()),
             date_trunc('day', now()) + make_interval(days => d), 10 + 0.10 * d,
             json_build_array(json_build_array(0.1, 9.5 - 0.1 * d), json_build_array(0.9, 12 + 0.1 * d)), 'EUR', 'kg',
             '\(file)01', '{}' FROM generate_series(1, 5) d;
    INSERT INTO predictions (prediction_id, step, series, kind, model, model_version, model_kind, issued_at, quantiles,
                             input_digest, flags, withheld)
      VALUES ('\(file)78', 0, 'us.tx.polymer.pe', 'price', 'pe', 'v1', 'deepar', now(), '[]', '\(file)01', '{}',
              'too_few_observations');
    """

  /// A database with the tables of db-writer.
  static func database(filled: Bool) async throws -> (url: String, name: String, server: PrivatePostgres) {
    let database = try await TestServers.database()
    let connection = try await PostgresConnection.open(PostgresConfiguration(url: database.url))
    _ = try await DBWriterSchema.migrator().migrate(connection)
    if filled { _ = try await database.server.psql(rows, database: database.name) }
    return database
  }

  /// Thirty bars with a hole of an hour, the sixth revised; flow, stories, a trade and a quote.
  func fill(_ redis: RedisClient) async throws {
    let symbol = Self.symbol
    var commands = [
      RedisCommand(
        "HSET", "trade:\(symbol)", "event_ns", "\(now * 1_000_000)", "price", "187.10", "size", "5", "id", "77"),
      RedisCommand("HSET", "quote:\(symbol)", "event_ns", "\(now * 1_000_000)", "bid", "187.00", "ask", "187.20"),
    ]
    for (place, field) in ["open", "high", "low", "close", "volume", "revision"].enumerated() {
      commands.append(RedisCommand("TS.CREATE", [
        "ts:\(symbol):1m:\(field)", "LABELS", "symbol", symbol, "field", field, "kind", "bar", "interval", "1m",
      ].map { Array($0.utf8) }))
      for minute in 0..<30 {
        let stamp = now - Int64(minute < 15 ? 120 - minute : 60 - minute) * 60_000
        let value = switch field {
        case "revision": minute == 5 ? "2" : "0"
        case "volume": "\(1_000 + minute * 10)"
        default: "\(100 + minute).\([25, 75, 10, 50][place])"
        }
        commands.append(RedisCommand("TS.ADD", "ts:\(symbol):1m:\(field)", "\(stamp)", value))
      }
    }
    for kind in ["flow", "sentiment"] {
      commands.append(RedisCommand("TS.CREATE", [
        "ts:\(symbol):\(kind)", "LABELS", "symbol", symbol, "field", kind, "kind", kind,
      ].map { Array($0.utf8) }))
    }
    for index in 0..<25 {
      let stamp = now - Int64(50 - index) * 60_000
      let story = SentimentEvent(
        eventID: "s\(index)", symbol: symbol, cluster: "c\(index)", revision: 1,
        score: try #require(ExactDecimal(approximating: index % 2 == 0 ? "0.5000" : "-0.2500")),
        confidence: ExactDecimal(1), source: index == 0 ? "reddit" : "newsapi", outlet: "Reuters",
        title: index == 1 ? Self.hostile : "Story \(index)",
        url: index == 2 ? "javascript:alert(1)" : "https://example.com/\(index)", evidence: "$BRD rises",
        rule: "cashtag", sources: Int64(index + 1), publishedAt: try #require(Timestamp(microseconds: stamp * 1_000)),
        knownAt: try #require(Timestamp(microseconds: stamp * 1_000)), scorer: "vader")
      commands += [
        RedisCommand("HSET", [Array("sentiment:\(symbol)".utf8), Array("c\(index)".utf8), story.encoded()]),
        RedisCommand("ZADD", "sentiment:\(symbol):times", "\(stamp)", "c\(index)"),
        RedisCommand("TS.ADD", "ts:\(symbol):sentiment", "\(stamp)", "0.5"),
      ]
    }
    for index in 0..<4 {
      let (stamp, net) = (now - Int64(40 - index * 10) * 60_000, index % 2 == 0 ? "125000.5" : "-90000")
      let event = """
        {"event_id":"f\(index)","underlying":"\(symbol)","rule":"sweep","side":"buy","premium":125000.5,\
        "net_premium":\(net),"size":40,"prints":3,"exchanges":2,"price":3.15,"contracts":["BRD261218C00200000"],\
        "status":"confirmed","condition":"prints>=2"}
        """
      commands += [
        RedisCommand("HSET", "flow:\(symbol)", "f\(index)", event),
        RedisCommand("ZADD", "flow:\(symbol):times", "\(stamp)", "f\(index)"),
        RedisCommand("TS.ADD", "ts:\(symbol):flow", "\(stamp)", net),
      ]
    }
    for case .failure(let error) in try await redis.replies(to: commands) { throw error }
  }
}
