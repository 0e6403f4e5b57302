import ArgumentParser
import Budgets
import Core
import FeedHTTP
import Feeds
import HTTP
import HTTPFlags
import KafkaFlags
import Markets
import Messages
import Operations
import Redis
import RedisFlags

/// `souk backfill`
struct BackfillCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backfill", abstract: "Fetch the bars of past years and publish them to market-bars.",
    discussion: """
      Bars are asked for in months (daily bars in years), the earliest first of each symbol, and published raw; splits \
      are applied when bars are read. What is done is in backfill-status: after a kill, an outage or a Ctrl-C the same \
      command goes on where it was, and what another run has fetched is not fetched again. The limits of the account \
      are those of --data-sources, shared with everything that uses the same --redis-url. The bars of the last 20 \
      minutes are left to the stream, which revises them.

      hot-writer keeps bars as long as its --bar-retention says: two years need BAR_RETENTION=1m=732d.

      Examples:
        souk backfill --tickers-file config/tickers.txt --years 2 --parallel 10 --dry-run
        souk backfill --tickers-file config/tickers.txt --years 2 --parallel 10
        souk backfill --tickers AAPL,MSFT --from 2026-01-01 --to now --provider polygon
        souk backfill --tickers-file config/tickers.txt --years 10 --interval 1d --provider alpaca
        souk backfill --status -o json

      Exits with 0 when all is settled, with 2 when a provider does not have some of it.
      """)

  @OptionGroup(title: "What") var what: BackfillOptions
  @OptionGroup(title: "Network") var access: AccessOptions
  @OptionGroup(title: "Redis") var redis: RedisOptions
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  func run() async throws {
    let stop = stopSignals()
    let cluster = try Cluster(kafka)
    let options = try kafka.kafkaOptions()
    if what.status {
      let ledger = try await BackfillLedger(cluster, options, stop: stop)
      BackfillReport.print(try ledger.jobs.map { try BackfillReport($0, ledger.known) }, what.output)
      return await ledger.close()
    }
    let calendar = try NYSECalendar()
    let source = try what.provider.source(needsKey: !what.dryRun)
    let plan = try what.plan(source.feed, calendar)
    let ledger = try await BackfillLedger(cluster, options, stop: stop)
    do {
      try await run(plan, source.source, ledger, calendar, stop)
    } catch {
      await ledger.close()
      throw error
    }
    await ledger.close()
  }

  private func run(
    _ plan: BackfillPlan, _ source: DataSource, _ ledger: BackfillLedger, _ calendar: NYSECalendar,
    _ stop: Interruption
  ) async throws {
    let known = what.counted(ledger.known, plan)
    let lanes = plan.lanes(known, parallel: what.parallel)
    if what.dryRun {
      return BackfillEstimate(plan, known, plan.cost(lanes, calendar), source).print(what.output)
    }
    let http = try HTTPClient(access.configuration(name: "backfill", maxPerOrigin: 0))
    defer { http.close() }
    let limits = HTTPLimits(totalTime: max(.seconds(300), source.timeout), maxBodyBytes: 64 << 20)
    let account = FeedAccess(
      plan.feed, base: source.url, key: source.key ?? Secret(""), secret: source.secret)
    let queue = redis.redisURL == nil ? nil : RedisMultiplexer(try redis.makeClient(clientName: "souk-backfill"))
    // A wrong password of Redis ends the command before it works.
    try await queue?.ping()
    let tokens: any TokenSource = if let queue {
      try RedisTokens(queue, source: source.word, limits: source.limits)
    } else {
      try LocalTokens(source.limits)
    }
    let standing = plan.standing(known)
    let progress = BackfillProgress(total: plan.size, before: standing.done + standing.refused)
    let run = BackfillRun(
      plan, ledger, FeedClient(account, http, limits: limits), RequestBudget(tokens), progress: progress, stop: stop)
    var job = plan.job(startedNs: WallClock.microseconds() * 1_000)
    if !lanes.isEmpty { try await ledger.note(job) }
    let show = BackfillScreen(plan, progress, what.output)
    let showing = Task { await show.run() }
    let outcome: Result<Void, any Error>
    do {
      try await run.run(lanes, parallel: what.parallel)
      if !lanes.isEmpty {
        job.finishedNs = WallClock.microseconds() * 1_000
        try await ledger.note(job)
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    showing.cancel()
    await showing.value
    await queue?.close()
    let report = try BackfillReport(job, ledger.known)
    show.end(report, isFinished: (try? outcome.get()) != nil)
    try outcome.get()
    if report.standing.refused > 0 { throw ExitCode(2) }
  }
}

/// What a back-fill is about.
struct BackfillOptions: ParsableArguments {
  @OptionGroup var tickers: TickersOptions
  @OptionGroup var provider: ProviderOptions
  @Option(help: "Years before --to; without --from.")
  var years = 2
  @Option(help: ArgumentHelp("The first day, in New York; or a time with an offset.", valueName: "date"))
  var from: String?
  @Option(help: ArgumentHelp(
    "The day behind the last one (default: today), a time with an offset, or now.", valueName: "date"))
  var to: String?
  @Option(help: "The time of a bar: \(BarInterval.allCases.map(\.rawValue).joined(separator: ", ")).")
  var interval = "1m"
  @Option(help: "Requests in flight at once.")
  var parallel = 10
  @Flag(help: "Print what would be fetched, and what it costs in requests and time; fetch nothing.")
  var dryRun = false
  @Flag(help: "Print all back-fills and how far they are; fetch nothing.")
  var status = false
  @Flag(help: "Fetch again what was fetched already, for bars that the provider has revised since.")
  var again = false
  @Flag(help: "Ask again for what the provider refused.")
  var retryRefused = false
  @Option(name: .shortAndLong, help: "table, or json: one object a line.")
  var output = OutputFormat.table

  func validate() throws {
    guard (1...256).contains(parallel) else { throw ValidationError("--parallel must be 1 to 256") }
    guard (1...50).contains(years) else { throw ValidationError("--years must be 1 to 50") }
    guard BarInterval(rawValue: interval) != nil else {
      throw ValidationError(
        "--interval must be one of \(BarInterval.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    if !status { try tickers.require() }
  }

  /// - Parameter now: nanoseconds since 1970.
  func plan(
    _ feed: Feed, _ calendar: NYSECalendar, now: Int64 = WallClock.microseconds() * 1_000
  ) throws(Failure) -> BackfillPlan {
    let times = MarketTimes(calendar)
    let today = times.midnight(calendar.day(of: now / 1_000_000_000))
    let interval = BarInterval(rawValue: interval) ?? .minute
    let settled = interval == .day ? today : (now / 60_000_000_000 - 20) * 60_000_000_000
    var until = today
    if let to { until = to == "now" ? settled : try times.instant(to, flag: "--to") }
    let start: Int64
    if let from {
      start = try times.instant(from, flag: "--from")
    } else {
      let date = CivilDate(daysSinceEpoch: calendar.day(of: until / 1_000_000_000))
      start = times.midnight(CivilDate.daysSinceEpoch(year: date.year - years, month: date.month, day: date.day))
    }
    until = min(until, settled)
    guard start < until else {
      throw Failure(.configuration, code: "empty_range", "--from is not before --to, or all of it is not settled yet")
    }
    return BackfillPlan(feed, interval, symbols: try tickers.symbols(), range: start..<until)
  }

  /// What counts as done.
  func counted(_ known: BackfillPlan.Known, _ plan: BackfillPlan) -> BackfillPlan.Known {
    if again { return [:] }
    return retryRefused ? known.filter { $0.value.state == .done } : known
  }
}
