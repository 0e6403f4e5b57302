import Catalogue
import Core
import Foundation
import GatewayAPI
import Kafka
import LocalServers
import Messages
import Redis
import Testing
import TestSupport
import Values

/// What lies in Redis besides prices, and jobs of the batch layer.
extension GatewayProcessTests {
  /// What hot-writer keeps besides prices: signals, flow, stories, articles, features; and documents of users.
  @Test func textsSignalsAndFeaturesAreServed() async throws {
    let server = try await PrivateRedis.start(modules: true)
    let redis = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    func story(_ cluster: String, _ score: String, _ ago: Int64) throws -> SentimentEvent {
      SentimentEvent(
        eventID: cluster, symbol: "TXT", cluster: cluster, revision: 1, score: try #require(ExactDecimal(score)),
        confidence: ExactDecimal(1), source: "newsapi", outlet: "Reuters", title: "T", url: "https://example.com",
        evidence: "e", rule: "cashtag", sources: 1,
        publishedAt: try #require(Timestamp(microseconds: (now - ago) * 1_000)),
        knownAt: try #require(Timestamp(microseconds: now * 1_000)), scorer: "s")
    }
    var commands = [
      RedisCommand(
        "HSET", "feat:{TXT}", "1m:rsi14", "57.3", "1m:events", "rsi_high", "1m:start_ns", "\(now * 1_000_000)"),
      RedisCommand("HSET", "news:newsapi/a1", "title", "T", "published_at", "2026-03-02T00:00:00Z", "known_at",
                   "2026-03-02T00:00:00Z", "url", "https://example.com"),
      RedisCommand(
        "HSET", "flow:TXT", "f1",
        "{\"event_id\":\"f1\",\"rule\":\"sweep\",\"side\":\"buy\",\"premium\":1e5}"),
      RedisCommand("ZADD", "flow:TXT:times", "\(now)", "f1"),
    ]
    for index in 0..<3 {
      commands.append(RedisCommand("TS.ADD", "ts:TXT:1m:rsi14", "\(now - Int64(2 - index) * 60_000)", "5\(index)"))
      let article = NewsArticle(
        source: "newsapi", id: "a\(index)", outlet: "Reuters", url: "https://example.com", title: "T\(index)",
        publishedAt: try #require(Timestamp(microseconds: now * 1_000)),
        knownAt: try #require(Timestamp(microseconds: now * 1_000)))
      commands.append(
        RedisCommand("XADD", ["stream:raw_news", "*", "data"].map { Array($0.utf8) } + [article.encoded()]))
    }
    // Two stories of one moment, and one that was withdrawn.
    let stories: [(String, String, Int64)] = [("c1", "0.5", 1_000), ("c2", "-0.25", 1_000), ("c3", "1", 0)]
    for (cluster, score, ago) in stories {
      if cluster != "c3" {
        let record = try story(cluster, score, ago).encoded()
        commands.append(RedisCommand("HSET", [Array("sentiment:TXT".utf8), Array(cluster.utf8), record]))
      }
      commands.append(RedisCommand("ZADD", "sentiment:TXT:times", "\(now - ago)", cluster))
    }
    for case .failure(let error) in try await redis.replies(to: commands) { throw error }
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/tokens.yaml"
      try "tokens:\n  - {name: a, token: \"0123456789abcdef-u\", scopes: [read, write, users]}\n"
        .write(toFile: file, atomically: true, encoding: .utf8)
      let (open, base) = try await start(server.url)
      let answers = try await ask(
        base, "/signals/TXT?names=rsi14&limit=2", "/features/TXT", "/features/TXT?names=1m:rsi14,1m:none",
        "/features/NONE", "/features/TXT/at?as_of=\(RFC3339.text(ns: now * 1_000_000))&names=rsi14&intervals=1m",
        "/flow/TXT",
        "/sentiment/TXT?limit=1", "/news?limit=2", "/news/newsapi/a1", "/news/newsapi/none", "/filings/search?q=risk",
        "/sentiment/NONE")
      #expect(answers.map(\.status) == [200, 200, 200, 404, 200, 200, 200, 200, 200, 404, 200, 200])
      let signals = try #require(answers[0].body["signals"] as? [[String: Any]])
      #expect(signals.map { ($0["values"] as? [String: Double])?["rsi14"] } == [50, 51])
      #expect((answers[1].body["features"] as? [String: Any])?["1m:rsi14"] as? Double == 57.3)
      #expect(answers[2].body["unknown"] as? [String] == ["1m:none"])
      // The bar that begins at that time has not ended by then.
      let then = (answers[4].body["intervals"] as? [String: [String: Any]])?["1m"]?["values"] as? [String: Double]
      #expect(then == ["rsi14": 51])
      #expect((answers[5].body["events"] as? [[String: Any]])?.map { $0["event_id"] as? String } == ["f1"])
      let more = try await ask(
        base, "/sentiment/TXT?limit=10&cursor=\(answers[6].body["next_cursor"] as? String ?? "-")",
        "/news?limit=2&cursor=\(answers[7].body["next_cursor"] as? String ?? "-")")
      let stories = [answers[6].body, more[0].body].flatMap { $0["stories"] as? [[String: Any]] ?? [] }
      #expect(stories.map { $0["cluster"] as? String } == ["c1", "c2"], "each once; the withdrawn one is gone")
      #expect(more[0].body["mean"] as? Double == -0.25)
      let articles = [answers[7].body, more[1].body].flatMap { $0["articles"] as? [[String: Any]] ?? [] }
      #expect(articles.map { $0["id"] as? String } == ["a2", "a1", "a0"], "the newest first, each once")
      #expect(answers[10].body["notes"] as? [String] == ["no_index"])
      let typed = try client(base)
      defer { typed.close() }
      try await readTyped(typed)
      try await searchTyped(typed, redis)
      #expect(await open.terminate() == .exited(0))

      let (process, other) = try await start(server.url, nil, ["TOKENS_FILE": file])
      try await documents(other)
      let user = try client(other, token: "0123456789abcdef-u")
      defer { user.close() }
      try await keepTyped(user)
      #expect(await process.terminate() == .exited(0))
    }
    await server.stop()
  }

  private func documents(_ base: String) async throws {
    func status(
      _ method: String, _ path: String, _ body: String? = nil, as token: String? = "u"
    ) async throws -> String {
      let header = token.map { ["-H", "Authorization: Bearer 0123456789abcdef-\($0)"] } ?? []
      let data = body.map { ["-H", "Content-Type: application/json", "-d", $0] } ?? []
      let launch = Launch(
        try Program.require("curl", package: "curl"),
        ["-s", "-w", " %{http_code}", "--max-time", "60", "-X", method] + header + data + ["\(base)\(path)"])
      return try await ChildProcess.run(launch, atMost: .seconds(120)).output.trimmingCharacters(in: .newlines)
    }
    let profile = "/users/ann%40example.com/profile"
    #expect(try await status("GET", profile, as: nil).hasSuffix(" 401"))
    #expect(try await status("GET", profile).hasSuffix(" 404"))
    #expect(try await status("PUT", profile, "[1]").hasSuffix(" 400"))
    #expect(try await status("PUT", profile, "{\"risk\":\"low\"}") == " 204")
    #expect(try await status("GET", profile).contains("\"document\":{\"risk\":\"low\"}"))
    #expect(try await status("DELETE", profile) == " 204")
    #expect(try await status("GET", profile).hasSuffix(" 404"))
    let entry = "{\"prompt\":\"What is the price of Apple?\",\"answer\":\"187\",\"tags\":[\"v1\"]}"
    #expect(try await status("PUT", "/cache", entry) == " 204")
    let question = "{\"prompt\":\"What is the price of Apple?\",\"tags\":[\"v1\"]}"
    try await eventually("the answer is found") {
      try await status("POST", "/cache/lookup", question).contains("\"answer\":\"187\"")
    }
    let other = "{\"prompt\":\"Weather in Haifa\"}"
    #expect(try await status("POST", "/cache/lookup", other).contains("\"found\":false"))
    #expect(try await status("POST", "/cache/lookup", "{}").hasSuffix(" 400"))
    #expect(try await status("DELETE", "/cache?tag=v1").contains("\"removed\":1"))
  }

  /// The example of the README and `souk batch`, with a batch layer of ours that says that each job is done.
  @Test func jobsAreSubmittedAndWatched() async throws {
    let server = try await TestServers.redisWithModules()
    let broker = try EmbeddedBroker(topics: Self.topics.map { ($0.name, 1) })
    defer { broker.close() }
    let redis = RedisClient(RedisConfiguration(url: try RedisURL(server.url)))
    let symbol = "J" + TestServers.uniqueName().uppercased()
    try await fill(redis, symbol)
    for case .failure(let error) in try await redis.replies(to: [
      RedisCommand("TS.ADD", "ts:\(symbol):1m:rsi14", "\(now)", "57.5"),
    ]) { throw error }
    try await withTemporaryDirectory { folder in
      let file = "\(folder)/tokens.yaml", token = "0123456789abcdef-j"
      try "tokens:\n  - {name: program, token: \"\(token)\", scopes: [read, write, jobs]}\n"
        .write(toFile: file, atomically: true, encoding: .utf8)
      try token.write(toFile: "\(folder)/token", atomically: true, encoding: .utf8)
      let (process, base) = try await start(server.url, broker, ["TOKENS_FILE": file])
      let url = base.replacing("/api/v1", with: ""), header = "Authorization: Bearer \(token)"
      try await eventually("topics are followed") {
        try await curl("-H", header, "\(base)/system/ingestion/health").contains("\"kafka_consumer\":true")
      }
      let answering = Task {
        var done: Set<String> = []
        while !Task.isCancelled {
          struct Jobs: Decodable { struct Job: Decodable { var job_id, state: String }; var jobs: [Job] }
          let text = try await curl("-H", header, "\(base)/jobs")
          for job in try JSONDecoder().decode(Jobs.self, from: Data(text.utf8)).jobs where job.state == "submitted" {
            guard done.insert(job.job_id).inserted else { continue }
            var status = BatchStatus(
              of: BatchJob(jobID: job.job_id, kind: .features, submittedNs: .max / 2), state: .done,
              at: WallClock.milliseconds() * 1_000_000)
            (status.partsDone, status.partsTotal, status.rows, status.engine) = (2, 2, 780, "dask")
            status.run = try #require(self.run(of: job.job_id, in: text))
            try await send(broker, Topics.batchStatus, job.job_id, [status.encoded()])
          }
          try await Task.sleep(for: .milliseconds(50))
        }
      }
      defer { answering.cancel() }
      let example = Self.script.replacing("ask.py", with: "example.py")
      let outcome = try await ChildProcess.run(
        Launch(Self.python, [example, url, token, symbol]), atMost: .seconds(200))
      #expect(outcome.status == .exited(0), "\(outcome.errorOutput)")
      #expect(outcome.output.contains("\(symbol) trades at 187.1"))
      #expect(outcome.output.contains("the job is done with 780 rows"))
      #expect(outcome.output.contains("1 signals; of the batch layer until None"))
      let flags = ["--gateway", url, "--token-file", "\(folder)/token"]
      let followed = try await ServiceProcess.run(
        "souk", ["batch", "run", "features", "--symbols", "SPY,QQQ", "--job", "nightly", "--follow"] + flags)
      #expect(followed.status == .exited(0), "\(followed.errorOutput)")
      #expect(followed.output.contains("done       2 of 2 parts, 780 rows (dask)"))
      let again = try await ServiceProcess.run("souk", ["batch", "run", "nothing"] + flags)
      #expect(again.status != .exited(0) && again.errorOutput.contains("bad_body"))
      #expect(try await ServiceProcess.run("souk", ["batch", "list"] + flags).output.contains("nightly"))
      // A listener of a job that has ended is told so, and sent away.
      let watched = try await curl("-N", "-H", header, "\(base)/jobs/nightly/live")
      #expect(watched.contains("event: job") && watched.contains("\"state\":\"done\""))
      #expect(try await curl("-i", "-H", header, "\(base)/jobs/none").contains(" 404 "))
      #expect(await process.terminate() == .exited(0))
    }
  }

  private func run(of job: String, in jobs: String) -> String? {
    guard let place = jobs.firstRange(of: "\"job_id\":\"\(job)\"")?.upperBound,
      let run = jobs[place...].firstRange(of: "\"run\":\"")?.upperBound else { return nil }
    return String(jobs[run...].prefix { $0 != "\"" })
  }
}
