import ArgumentParser
import Catalogue
import Core
import Kafka
import Operations
import Postgres
import ServiceKit

/// `souk rewind`
struct RewindCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rewind", abstract: "Have a service read its topics again from a time on.",
    discussion: """
      The service has to be stopped: while its group has members, nothing is moved. Offsets go back only, to the first \
      record at or behind the time; where the retention has taken that, to the first that is left. db-writer keeps its \
      offsets in PostgreSQL, in the transaction of its rows: they are moved there, too (--database-url). Without --yes \
      the plan is printed and nothing is moved.

      Examples:
        souk rewind parser --to 2h
        souk rewind db-writer --to 2026-03-02T06:00:00Z --topic gogobe.products.ingest --yes
      """)

  @Argument(help: "The service, or one of its groups.") var service: String
  @Option(help: ArgumentHelp("Back to then: 2h (so long ago), an RFC 3339 time, or 'earliest'.", valueName: "time"))
  var to: TapStart
  @Option(name: .customLong("topic"), parsing: .singleValue, help: "Only this topic of the service (repeatable).")
  var topics: [String] = []
  @Flag(help: "Move the offsets.") var yes = false
  @Option(name: .customLong("database-url"), help: ArgumentHelp(
    "The database of db-writer: postgresql://user:password@host/database.", valueName: "url"))
  var databaseURL: String?
  @OptionGroup var output: OutputOptions
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  private func chosen() throws -> (ServiceEntry, [ConsumerGroup]) {
    for entry in ServiceCatalogue.all {
      let groups = entry.groups.filter { entry.name == service || $0.name == service }
      if !groups.isEmpty { return (entry, groups) }
    }
    let names = ServiceCatalogue.all.filter { !$0.groups.isEmpty }.map(\.name)
    let near = nearestName(to: service, among: names).map { "did you mean '\($0)'?" }
    let hint = near ?? names.joined(separator: ", ")
    throw ValidationError("no service that reads topics is called '\(service)'; \(hint)")
  }

  func validate() throws {
    let (entry, groups) = try chosen()
    let effect = RewindPlan.effect(of: entry)
    if !effect.allowed { throw ValidationError("\(entry.name) cannot be rewound: \(effect.words)") }
    let inputs = groups.flatMap(\.inputs).map(\.name)
    if let wrong = topics.first(where: { !inputs.contains($0) }) {
      throw ValidationError("\(service) does not read '\(wrong)'; it reads \(inputs.joined(separator: ", "))")
    }
    guard entry.sink == .postgres else { return }
    guard let databaseURL else {
      throw ValidationError("\(entry.name) keeps its offsets in PostgreSQL: --database-url")
    }
    _ = try PostgresConfiguration(url: databaseURL, applicationName: "souk").parameters()
  }

  func run() async throws {
    let (entry, groups) = try chosen()
    let cluster = try Cluster(kafka)
    let rewind = Rewind(cluster: cluster, databaseURL: entry.sink == .postgres ? databaseURL : nil)
    for group in groups {
      let inputs = group.inputs.map(\.name).filter { topics.isEmpty || topics.contains($0) }
      let plan = try await rewind.plan(group.name, inputs, to: to.milliseconds)
      if yes, !plan.moves.isEmpty { try await rewind.carryOut(plan, group.name) }
      output.print(Self.report(plan, group.name, entry, done: yes))
    }
  }

  static func report(_ plan: RewindPlan, _ group: String, _ entry: ServiceEntry, done: Bool) -> Report {
    var report = Report("moves", [
      .text("topic", "TOPIC", least: 16), .number("partition", "PART"), .number("from", "FROM"), .number("to", "TO"),
      .number("repeated", "REPEATED"), .text("note", "NOTE", least: 10, rank: 1),
    ])
    for move in plan.moves {
      report.append([
        .text(move.place.topic), .count(Int(move.place.partition)), .count(move.from), .count(move.to),
        .count(move.repeated), .text(plan.overtaken.contains(move.place) ? "the first that is left" : ""),
      ], plan.overtaken.contains(move.place) ? .warning : .plain)
    }
    report.nothing = "\(group) stands before that time already: nothing to move"
    report.fields = [
      .init("group", .text(group)), .init("repeated_records", .integer(plan.repeated)), .init("done", .bool(done)),
    ]
    if !plan.moves.isEmpty {
      report.notes = [
        "\(group) reads \(counted(Int(plan.repeated), "record")) again. \(RewindPlan.effect(of: entry).words).",
        done ? "moved \(counted(plan.moves.count, "partition")); start \(entry.name) again"
          : "nothing was moved; --yes moves the offsets",
      ]
    }
    return report
  }
}

/// Moves offsets where they lie.
struct Rewind: Sendable {
  let cluster: Cluster
  /// Of a service that keeps its offsets in PostgreSQL; its commits in Kafka follow them.
  let databaseURL: String?

  func plan(_ group: String, _ topics: [String], to time: Int64) async throws -> RewindPlan {
    let known = try await cluster.admin.topics()
    let places = Set(topics.flatMap { topic in (known[topic] ?? []).map { TopicPartition(topic, $0) } })
    let marks = try await cluster.admin.watermarks(places)
    var wanted = marks.mapValues(\.low)
    if time > 0 {
      if try await cluster.admin.clusterID().hasPrefix(EmbeddedBroker.clusterIDPrefix) {
        throw Failure(.configuration, code: "no_times", "an embedded broker cannot look up times; use --to earliest")
      }
      wanted = try await cluster.admin.offsets(places, at: time)
    }
    var committed = try await cluster.admin.committed(group: group, places).mapValues(\.offset)
    if let databaseURL {
      let stored = try await StoredOffsets(databaseURL, try await cluster.admin.clusterID(), group)
      committed.merge(try await stored.read().filter { places.contains($0.key) }) { $1 }
    }
    return RewindPlan(committed: committed, wanted: wanted, marks: marks)
  }

  /// - Throws: `Failure` of class configuration while the group has members.
  func carryOut(_ plan: RewindPlan, _ group: String) async throws {
    var members: [String] = []
    do throws(KafkaError) { members = try await cluster.admin.members(of: group) } catch {
      // An embedded broker cannot say who is in a group; it refuses the commit while there is a member.
      if error.name != "_UNSUPPORTED_FEATURE" { throw error }
    }
    guard members.isEmpty else {
      throw Failure(.configuration, code: "group_runs", """
        \(group) has \(counted(members.count, "member")) (\(members.joined(separator: ", "))); stop the service first: \
        its members would go on where they are
        """)
    }
    let offsets = Dictionary(uniqueKeysWithValues: plan.moves.map { ($0.place, $0.to) })
    // PostgreSQL first: it decides where the service begins, Kafka only shows how far it is.
    if let databaseURL {
      try await StoredOffsets(databaseURL, try await cluster.admin.clusterID(), group).move(plan.moves)
    }
    try await cluster.admin.commit(group: group, offsets)
  }
}

/// Which offsets a rewind moves, from where to where. A pure value.
struct RewindPlan: Hashable, Sendable {
  struct Move: Hashable, Sendable {
    var place: TopicPartition
    var from: Int64
    var to: Int64
    /// Records that are read once more.
    var repeated: Int64 { from - to }
  }
  private(set) var moves: [Move] = []
  /// Partitions in which the group stands before the wanted offset already, or never committed.
  private(set) var untouched = 0
  /// Partitions whose records of that time the retention has taken: they begin at the first that is left.
  private(set) var overtaken: Set<TopicPartition> = []

  /// A rewind goes back only: going forward would pass over records without an effect.
  /// - Parameters:
  ///   - committed: where the group stands.
  ///   - wanted: the first offset at or behind the time.
  ///   - marks: what the topics have.
  init(
    committed: [TopicPartition: Int64], wanted: [TopicPartition: Int64], marks: [TopicPartition: Watermarks]
  ) {
    for (place, mark) in marks.sorted(by: { $0.key < $1.key }) {
      guard let from = committed[place], let target = wanted[place] else {
        untouched += 1
        continue
      }
      let to = max(target, mark.low)
      guard to < from else {
        untouched += 1
        continue
      }
      if mark.low > 0, to == mark.low { overtaken.insert(place) }
      moves.append(Move(place: place, from: from, to: to))
    }
  }

  var repeated: Int64 { moves.reduce(0) { $0 + $1.repeated } }

  /// What a repetition does at the service's sink, or why there must be none.
  static func effect(of service: ServiceEntry) -> (allowed: Bool, words: String) {
    switch service.sink {
    case .postgres:
      (true, "rows that are there already stay as they are: each is keyed, and a price is written only when it changes")
    case .influx: (true, "points are named by their series and time, so the same record writes the same point")
    case .redis: (true, "a write compares event times, so an older record changes nothing")
    case .objectStore where service.isStateful:
      (false, """
       objects are named by the offsets that they hold; ranges that begin elsewhere would hold records twice. \
       Replay the topic into another one, or read the objects that are there
       """)
    case .objectStore: (true, "files are stored under the same names once more")
    default:
      (true, "records are produced once more, with the same ids; the services behind it see repeats and change nothing")
    }
  }
}

/// The offsets that db-writer keeps beside its rows, in `kafka_offsets`.
struct StoredOffsets: Sendable {
  private let connection: PostgresConnection
  private let scope: [PostgresValue]

  /// - Throws: `PostgresError`; `Failure` of class configuration without the table.
  init(_ url: String, _ clusterID: String, _ group: String) async throws {
    connection = try await PostgresConnection.open(PostgresConfiguration(url: url, applicationName: "souk"))
    scope = [.text(clusterID), .text(group)]
    let table = try await connection.execute(
      "SELECT to_regclass('kafka_offsets') IS NOT NULL", operation: "look for the offsets")
    guard table.rows.first?[0] == "t" else {
      throw Failure(
        .configuration, code: "no_offsets_table",
        "the database has no table kafka_offsets; is it db-writer's? `db-writer migrate` makes it")
    }
  }

  /// Partitions of which nothing is written are left out.
  func read() async throws -> [TopicPartition: Int64] {
    let answer = try await connection.execute("""
      SELECT topic, partition, next_offset FROM kafka_offsets
      WHERE cluster_id = $1 AND consumer_group = $2 AND next_offset >= 0
      """, scope, operation: "read offsets")
    var offsets: [TopicPartition: Int64] = [:]
    for row in answer.rows {
      guard let topic = row[0], let partition = try row.int(1), let next = try row.int(2) else { continue }
      offsets[TopicPartition(topic, Int32(truncatingIfNeeded: partition))] = next
    }
    return offsets
  }

  /// All of them or none: each has to be where the plan saw it.
  func move(_ moves: [RewindPlan.Move]) async throws {
    let answer = try await connection.execute("""
      WITH given AS (
        SELECT * FROM unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[])
          AS g (topic, partition, expected, target)
      ), held AS (
        SELECT o.topic, o.partition, g.target FROM kafka_offsets o JOIN given g USING (topic, partition)
        WHERE o.cluster_id = $1 AND o.consumer_group = $2 AND o.next_offset = g.expected
        FOR UPDATE OF o
      )
      UPDATE kafka_offsets AS o SET next_offset = h.target FROM held h
      WHERE o.cluster_id = $1 AND o.consumer_group = $2 AND o.topic = h.topic AND o.partition = h.partition
        AND (SELECT count(*) FROM held) = (SELECT count(*) FROM given)
      RETURNING 1
      """, scope + [
        .texts(moves.map(\.place.topic)), .ints(moves.map { Int64($0.place.partition) }), .ints(moves.map(\.from)),
        .ints(moves.map(\.to)),
      ], operation: "move offsets")
    guard answer.rows.count == moves.count else {
      throw Failure(
        .transient, code: "offsets_moved",
        "db-writer has moved its offsets meanwhile, so nothing was moved; stop it and try again")
    }
  }
}
