import Catalogue
import Core
import HTTP
import Kafka
import Logging
import Markets
import Messages
import ObjectStore
import ObjectStoreFlags
import Options
import Pipeline
import Redis
import Sentiment
import ServiceKit
import Values

/// Work on market data.
extension FetcherCommand {
  struct Sources: Sendable {
    var clients: [SourceClient]
    /// Embedded sources whose keys are not there.
    var unused: [String]
    var http: HTTPClient

    var summary: String {
      let names = clients.map { client in
        let limits = client.source.limits.limits.map(\.text).joined(separator: ", ")
        return "\(client.source.name) (\(limits.isEmpty ? "no limit" : limits))"
      }.joined(separator: ", ")
      return names + (unused.isEmpty ? "" : "; without a key: \(unused.joined(separator: ", "))")
    }
  }

  func marketData(_ kind: FetchKind, _ needs: Needs) -> Work {
    let context = needs.context
    let consumer = self.consumer(needs)
    let queue = redisQueue(needs)
    let sources = self.sources(of: kind, queue, needs)
    let store = kind.storesDocuments
      ? needs.add(objectStore.need(
      condition: "object_store", creates: true, lock: market.objectLock?.duration))  : nil
    let names = self.names(needs)
    return consumer.jobs(concurrency: fetch.concurrency) { [market] in
      let (queue, sources) = (try queue.value, try sources.value)
      Self.warn(queue, context.logger)
      let adapter = try kind.makeAdapter(
        queue, shelf: try store.map { DocumentShelf(try $0.value) }, largest: market.maxDocumentSize.bytes,
        names: book(try names.value, queue), context.logger)
      return TaskHandler(
        kind, adapter: adapter, sources: sources.clients, identity: consumer.identity,
        readiness: FetchHandler.Readiness(context.health), logger: context.logger, now: Self.now)
    }
  }

  /// Asks each source once, beside what other processes spend of its budget, and prints what would be published.
  func test(_ kind: FetchKind, _ needs: Needs) -> Work {
    let queue = redisQueue(needs)
    let sources = self.sources(of: kind, queue, needs)
    let (ticker, only, logger) = (market.ticker, market.source, needs.logger)
    let (location, largest) = (objectStore.objectStore, market.maxDocumentSize.bytes)
    let names = self.names(needs)
    needs.probe { report in
      guard let clients = try? sources.value.clients else { return }
      let chosen = clients.filter { only == nil || $0.source.name == only }
      if chosen.isEmpty {
        report.failed("test", Failure(
          .configuration, code: "unknown_source",
          "--source: '\(only ?? "")' is none of \(clients.map(\.source.name).joined(separator: ", "))"))
      }
      for client in chosen {
        await report.probe("test \(client.source.name)", limit: .seconds(60)) {
          // Nothing is remembered: what is new to this process is what a first task would publish.
          let shelf = kind.storesDocuments ? DocumentShelf(pretending: try ObjectLocation(location)) : nil
          let book = book(try names.value, try queue.value)
          let adapter = try kind.makeAdapter(nil, shelf: shelf, largest: largest, names: book, logger)
          let symbols = try Tickers.list(ticker, flag: "--ticker")
          let fetched = try await adapter.fetch(
            adapter.testTask(of: client.source.name, symbols, now: Self.now()), from: client, now: Self.now())
          for record in fetched.records {
            print("\(record.topic.name) \(String(decoding: record.value, as: UTF8.self))")
          }
          for (symbol, error) in fetched.refused.sorted(by: { $0.key < $1.key }) {
            print("refused \(symbol): \(error)")
          }
          return "\(fetched.records.count) records would be published"
        }
      }
    }
    return Work {}
  }

  /// A file's names stay.
  private func book(_ names: CompanyNames, _ queue: RedisMultiplexer?) -> CompanyBook {
    CompanyBook(names, updatedBy: market.names == nil ? queue : nil)
  }

  private func names(_ needs: Needs) -> Opened<CompanyNames> {
    needs.add(.setting("names", { [market] () throws(Failure) in try market.companies() }) { names in
      "\(names.companies) companies"
    })
  }

  private func sources(of kind: FetchKind, _ queue: Opened<RedisMultiplexer?>, _ needs: Needs) -> Opened<Sources> {
    needs.add(Need(
      "sources", open: { [logger = needs.logger] in try makeSources(kind, queue.value, logger) },
      check: { $0.summary }, close: { $0.http.close() }))
  }

  /// - Throws: a configuration `Failure`, also for a key that cannot be read: before any work, not in its middle.
  private func makeSources(_ kind: FetchKind, _ queue: RedisMultiplexer?, _ logger: Logger) throws -> Sources {
    try verifyDelivery()
    let http = try makeClient()
    var sources = Sources(clients: [], unused: [], http: http)
    for source in try DataSource.load(file: market.sources.dataSources) where source.kind.tasks.contains(kind) {
      let (key, secret, userAgent): (String, String?, String?)
      do throws(Failure) {
        key = try source.key?.resolve() ?? ""
        secret = try source.secret?.resolve()
        userAgent = try source.userAgent?.resolve()
        if key.isEmpty && source.kind.hasKey || secret?.isEmpty == true {
          throw Failure(
            .configuration, code: "secret_missing", "the key of source '\(source.name)' is empty (\(source.keyNames))")
        }
      } catch {
        guard source.isEmbedded else { throw error }
        sources.unused.append(source.name)
        continue
      }
      try source.verify(userAgent: userAgent)
      let gate = ProviderGate(
        source.name, word: source.word, settings: fetch.providers.gate, concurrency: source.concurrency,
        tokens: try Self.tokens(source.word, source.limits, queue), logger: logger, now: Self.now)
      sources.clients.append(SourceClient(
        source, key: key, secret: secret, userAgent: userAgent, reads: ReadAccount(queue), gate: gate,
        http: http, maxBytes: fetch.maxAnswerSize.bytes))
    }
    guard !sources.clients.isEmpty else {
      throw Failure(
        .configuration, code: "no_source",
        "no source has \(kind.rawValue) and a key: name one in --data-sources, or set the variables of its key "
          + "(without a key: \(sources.unused.joined(separator: ", ")))")
    }
    return sources
  }
}
