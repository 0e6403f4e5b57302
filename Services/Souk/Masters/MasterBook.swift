import Core
import Messages
import Operations
import Postgres
import Values

/// What the database knows of masters, their candidates and the decisions about them.
struct MasterBook: Sendable {
  private let connection: PostgresConnection

  /// - Throws: `PostgresError`; `Failure` of class configuration when the tables are older than this program.
  init(_ configuration: PostgresConfiguration) async throws {
    connection = try await PostgresConnection.open(configuration)
    let tables = try await connection.execute(
      "SELECT to_regclass('master_decisions') IS NOT NULL", operation: "look for the tables")
    guard tables.rows.first?[0] == "t" else {
      throw Failure(
        .configuration, code: "no_master_tables",
        "the database has no tables of decisions about masters; bring it up to date with db-writer migrate")
    }
  }

  private func rows(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> [PostgresRow] {
    try await connection.execute(sql, parameters, operation: "souk masters").rows
  }

  // MARK: - Lists

  /// Masters with names, chains and mean prices beside their candidates'.
  func candidates(limit: Int, probability: Double) async throws -> Report {
    let found = try await rows("""
      SELECT c.master_id, \(Self.shown("c.master_id")), c.candidate_id, \(Self.shown("c.candidate_id")),
             round(c.probability, 3), c.model
      FROM open_candidates c
      WHERE c.probability >= $1::numeric
      ORDER BY c.probability DESC, c.master_id, c.candidate_id
      LIMIT $2
      """, [.text("\(probability)"), .int(Int64(limit))])
    var report = Report("candidates", [
      .text("master", "MASTER", least: 13), .text("name", "NAME", least: 8, rank: 1),
      .text("chains", "CHAINS", least: 6, rank: 4), .number("price", "PRICE", rank: 3),
      .text("candidate", "CANDIDATE", least: 13), .text("candidate_name", "ITS NAME", least: 8, rank: 2),
      .text("candidate_chains", "ITS CHAINS", least: 6, rank: 5), .number("candidate_price", "ITS PRICE", rank: 3),
      .number("probability", "PROBABILITY"), .text("model", "MODEL", rank: 6),
    ])
    for row in found {
      report.append(row.cells.enumerated().map { column, text in
        guard [3, 7, 8].contains(column), let text else { return .text(text) }
        return Report.Cell(Double(text).map { .number($0) } ?? .text(text), text)
      })
    }
    report.nothing = "no open candidates"
    return report
  }

  /// The name, the chains that sell it, and its mean price there.
  private static func shown(_ id: String) -> String {
    """
    (SELECT name FROM masters m WHERE m.master_id = \(id)),
    (SELECT string_agg(DISTINCT chain, ' ' ORDER BY chain) FROM product_masters p WHERE p.written_as = \(id)),
    (SELECT round(avg(x.price), 2) FROM product_masters p JOIN prices x USING (chain, ean)
     WHERE p.written_as = \(id) AND x.ended_at IS NULL)
    """
  }

  func history(of master: String?, limit: Int) async throws -> Report {
    let found = try await rows("""
      SELECT \(Self.columns) FROM master_decisions
      WHERE $1::text IS NULL OR $1 IN (master_id, other_id)
      ORDER BY decided_at DESC, decision_id LIMIT $2
      """, [master.map { .text($0) } ?? .null, .int(Int64(limit))])
    return MasterDecision.report(try found.map { try Self.decision($0) })
  }

  // MARK: - Single decisions

  /// - Throws: `Failure` of class configuration when there is none.
  func decision(_ id: String) async throws -> MasterDecision {
    let found = try await rows(
      "SELECT \(Self.columns) FROM master_decisions WHERE replace(decision_id::text, '-', '') = $1",
      [.text(id.lowercased())])
    guard let row = found.first else {
      throw Failure(.configuration, code: "unknown_decision", "there is no decision \(id); see `souk masters history`")
    }
    return try Self.decision(row)
  }

  private static let columns = """
    replace(decision_id::text, '-', ''), kind, master_id, other_id, array_to_json(chains), array_to_json(eans),
    (extract(epoch FROM decided_at) * 1000000)::bigint, decided_by, reason, model, probability,
    (extract(epoch FROM undone_at) * 1000000)::bigint, undone_by, undone_reason
    """

  private static func decision(_ row: PostgresRow) throws -> MasterDecision {
    func strings(_ column: Int) throws -> [String] {
      var reader = try JSONReader(Array((row[column] ?? "[]").utf8).span.bytes)
      return try reader.strings(atMost: MasterDecision.maxProducts)
    }
    guard let kind = row[1].flatMap({ MasterDecision.Kind(rawValue: $0) }), let id = row[0],
      let time = try row.int(6).flatMap({ Timestamp(microseconds: $0) })
    else { throw Failure(.fatal, code: "unknown_kind", "the decision \(row[0] ?? "?") is of an unknown kind") }
    var decision = MasterDecision(
      kind, row[2] ?? "", row[3] ?? "",
      products: zip(try strings(4), try strings(5)).map { .init(chain: $0, code: $1) }, decidedAt: time,
      decidedBy: row[7] ?? "", reason: row[8])
    decision.decisionID = id
    (decision.model, decision.probability) = (row[9], row[10].flatMap { ExactDecimal($0) })
    decision.undoneAt = try row.int(11).flatMap { Timestamp(microseconds: $0) }
    (decision.undoneBy, decision.undoneReason) = (row[12], row[13])
    return decision
  }

  /// Refuses what names unknown masters or says what is decided already.
  /// - Parameter isNew: the other master is made by this decision.
  func check(_ decision: MasterDecision, isNew: Bool = false) async throws {
    func refuse(_ code: String, _ reason: String) -> Failure { Failure(.configuration, code: code, reason) }
    guard decision.masterID != decision.otherID else { throw refuse("same_master", "both are \(decision.masterID)") }
    for id in [decision.masterID] + (isNew ? [] : [decision.otherID]) {
      guard MasterDecision.isMasterID(id) else {
        throw refuse("not_a_master", "\(id) is no id of a master: gtin:<14 digits> or name:<32 hexadecimal digits>")
      }
      let known = try await rows("SELECT 1 FROM masters WHERE master_id = $1", [.text(id)])
      if known.isEmpty { throw refuse("unknown_master", "there is no master \(id)") }
    }
    guard decision.kind != .split else { return }
    let pair: [PostgresValue] = [.text(decision.masterID), .text(decision.otherID)]
    let rejected = try await rows("""
      SELECT replace(decision_id::text, '-', '') FROM master_decisions
      WHERE kind = 'reject' AND undone_at IS NULL AND master_id IN ($1, $2) AND other_id IN ($1, $2)
      """, pair)
    if let id = rejected.first?[0] {
      throw refuse("rejected", "they were said to be two products: undo the decision \(id) first")
    }
    let survivors = try await rows("""
      SELECT coalesce((SELECT survivor_id FROM master_survivors WHERE master_id = given.id), given.id)
      FROM (VALUES ($1::text), ($2::text)) AS given (id)
      """, pair)
    if Set(survivors.map { $0[0] }).count == 1 {
      throw refuse("merged", "they are one product already, \(survivors.first?[0] ?? ""): see `souk masters history`")
    }
  }

  /// What a model said of the pair, where it did.
  func judgement(of master: String, _ other: String) async throws -> (model: String?, probability: ExactDecimal?) {
    let found = try await rows("""
      SELECT nullif(model, ''), probability FROM master_candidates
      WHERE (master_id, candidate_id) IN (($1, $2), ($2, $1)) ORDER BY minted_at DESC LIMIT 1
      """, [.text(master), .text(other)])
    return (found.first?[0], found.first?[1].flatMap { ExactDecimal($0) })
  }

  /// The decisions that take products away from a master, one for each id that they were written with, and the master
  /// they are from then on, when it is new.
  func split(
    _ master: String, _ products: [MasterDecision.Product], into other: String?, author: String, reason: String?
  ) async throws -> (decisions: [MasterDecision], masters: [ProductMaster]) {
    let found = try await rows("""
      SELECT p.written_as, p.chain, p.ean, p.name, p.manufacturer, (extract(epoch FROM p.file_time) * 1000000)::bigint
      FROM unnest($1::text[], $2::text[]) AS given (chain, ean)
      JOIN product_masters p ON p.chain = given.chain AND p.ean = given.ean
      WHERE $3 IN (p.master_id, p.written_as)
      ORDER BY p.written_as, p.chain, p.ean
      """, [.texts(products.map(\.chain)), .texts(products.map(\.code)), .text(master)])
    let known = Set(found.map { MasterDecision.Product(chain: $0[1] ?? "", code: $0[2] ?? "") })
    if let stray = products.first(where: { !known.contains($0) }) {
      throw Failure(.configuration, code: "not_of_master", "\(stray.chain)/\(stray.code) is not a product of \(master)")
    }
    guard let first = found.first else { return ([], []) }
    let target = other ?? MasterDecision.splitMasterID(of: master, products)
    let now = Timestamp.now()
    let decisions = Dictionary(grouping: found) { $0[0] ?? "" }.sorted { $0.key < $1.key }.map { written, rows in
      MasterDecision(
        .split, written, target, products: rows.map { .init(chain: $0[1] ?? "", code: $0[2] ?? "") }, decidedAt: now,
        decidedBy: author, reason: reason)
    }
    guard other == nil else { return (decisions, []) }
    let time = try first.int(5).flatMap { Timestamp(microseconds: $0) } ?? now
    return (decisions, [ProductMaster(masterID: target, name: first[3] ?? "?", brand: first[4], mintedAt: time)])
  }

  /// Merges of open candidates that GTINs prove: a chain sells the candidate's GTIN by just the new master's name and
  /// size, no other GTIN has them, and no chain sells both at once.
  func proved(at time: Timestamp) async throws -> [MasterDecision] {
    let found = try await rows("""
      WITH named AS (
        SELECT DISTINCT c.master_id, c.candidate_id, c.survivor_id, c.model, c.probability, g.master_id AS gtin_master
        FROM open_candidates c
        JOIN products x ON x.master_id = c.master_id
        JOIN product_masters g ON g.name = x.name AND g.unit_qty IS NOT DISTINCT FROM x.unit_qty
          AND g.quantity IS NOT DISTINCT FROM x.quantity AND g.written_as LIKE 'gtin:%'
        WHERE c.candidate_id LIKE 'gtin:%' AND c.master_id LIKE 'name:%' AND x.is_weighted IS NOT TRUE
      )
      SELECT master_id, candidate_id, min(nullif(model, '')), max(probability) FROM named n
      WHERE NOT EXISTS (
        SELECT 1 FROM products a
        JOIN prices ap ON ap.chain = a.chain AND ap.ean = a.ean AND ap.ended_at IS NULL
        JOIN product_masters b ON b.chain = a.chain AND b.master_id = n.survivor_id
        JOIN prices bp ON bp.chain = b.chain AND bp.ean = b.ean AND bp.store_id = ap.store_id AND bp.ended_at IS NULL
        WHERE a.master_id = n.master_id)
      GROUP BY master_id, candidate_id, survivor_id
      HAVING count(DISTINCT gtin_master) = 1 AND min(gtin_master) = survivor_id
      ORDER BY master_id, candidate_id
      """)
    return found.map { row in
      var decision = MasterDecision(
        .merge, row[0] ?? "", row[1] ?? "", decidedAt: time, decidedBy: Self.program,
        reason: "a chain sells the GTIN by just this name and size", isRepeatable: true)
      (decision.model, decision.probability) = (row[2], row[3].flatMap { ExactDecimal($0) })
      return decision
    }
  }

  private static let program = "souk masters settle"
}
