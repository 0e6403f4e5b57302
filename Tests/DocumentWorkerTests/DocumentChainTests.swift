import Catalogue
import Core
import EdgarSimulator
import Foundation
import Kafka
import LocalServers
import Messages
import Redis
import Sentiment
import Testing
import TestSupport
import Values

/// From EDGAR to passages, by the programs as an operator runs them.
@Suite(.timeLimit(.minutes(20))) struct DocumentChainTests {
  /// Four layouts; a report that comes late, one that is removed, one that is corrected, and amendments: the passages
  /// that stand are the truth of the corpus.
  @Test func filingsBecomePassagesByItem() async throws {
    let corpus = EdgarCorpus(seed: 7, companies: 4, paragraphs: 3)
    let redis = try await PrivateRedis.start()
    try await EdgarSimulator.serving(corpus) { simulator in
      try await withTemporaryDirectory { folder in
        let chain = try DocumentChain(folder: folder)
        defer { chain.broker.close() }
        simulator.misbehave(.outage)
        simulator.misbehave(.cut)
        let fetcher = try await chain.startFetcher(simulator, redis: redis.url)
        let workers = [try await chain.startWorker(), try await chain.startWorker()]
        let symbols = corpus.companies.map { $0.symbols[0] }
        let reports = corpus.filings.filter { $0.form != "8-K" }

        try await chain.ask(symbols, "first")
        let there = reports.filter { $0.appears == 0 }
        try await chain.awaitSplit(there.count)
        let first = DocumentChain.standing(try await chain.chunks())
        expect(first, of: there, corpus)
        for question in corpus.questions {
          let found = first.filter { $0.document == "edgar/\(question.accession)" && $0.item == question.item }
          #expect(found.contains { $0.text.contains(question.answer) }, "\(question)")
        }
        #expect(first.allSatisfy { $0.tokens <= 230 && $0.model == "hashing-384" && $0.floats?.count == 384 })
        #expect(first.allSatisfy { !$0.text.contains("Indicate by check mark") && !$0.text.contains("| 2025 Form") })

        simulator.setClock(3_600)
        try await chain.ask(symbols, "late")
        try await chain.awaitSplit(reports.count)

        // Another text of one report; of the other one nothing is left.
        let corrected = corpus.filings[2]
        simulator.correct(
          corrected.accession, "<html><body><p>Item 1. Business</p><p>Amber is all we sell.</p></body></html>")
        simulator.setClock(7_200)
        try await chain.ask(symbols, "changed")
        try await chain.awaitSplit(reports.count + 2)
        let last = DocumentChain.standing(try await chain.chunks())
        let removed = corpus.filings.first { $0.removed != nil }!
        #expect(first.contains { $0.document == "edgar/\(removed.accession)" })
        #expect(!last.contains { $0.document == "edgar/\(removed.accession)" })
        #expect(last.filter { $0.document == "edgar/\(corrected.accession)" }.map(\.text) == ["Amber is all we sell."])
        expect(last, of: reports.filter { $0 != removed && $0 != corrected }, corpus)

        // Once more: nothing is new.
        let count = try await chain.documents().count
        try await chain.ask(symbols, "again")
        try await eventually("the task is done") {
          await fetcher.metrics().sum("souk_records_skipped_total", where: ["reason": "unchanged"]) ?? 0 >= 1
        }
        #expect(try await chain.documents().count == count)
        for process in workers + [fetcher] { #expect(await process.terminate() == .exited(0)) }
        // Everything that reads texts knows the companies by their names from now on.
        let names = try await CompanyBook(.large, updatedBy: RedisMultiplexer(
          RedisClient(RedisConfiguration(url: try RedisURL(redis.url))))).current()
        #expect(symbols.allSatisfy { names.name(of: $0) != nil })
        try await chain.expectNoDeadLetters()
        #expect(simulator.requests["rate"] == nil && simulator.requests["undeclared"] == nil)
      }
    }
    await redis.stop()
  }

  /// Each report has the items that it has, without those that an amendment replaced.
  private func expect(_ chunks: [DocumentChunk], of filings: [EdgarCorpus.Filing], _ corpus: EdgarCorpus) {
    for filing in filings {
      let own = chunks.filter { $0.document == "edgar/\(filing.accession)" }
      let found = Set(own.flatMap { chunk in
        (chunk.item ?? "-").split(separator: ",").map { "\(chunk.part ?? "-"):\($0)" }
      })
      let amendment = filings.first {
        $0.company == filing.company && $0.form == filing.form + "/A" && $0.period == filing.period
      }
      #expect(found == Set(filing.items).subtracting(amendment?.items ?? []), "\(filing.form) \(filing.accession)")
      let company = corpus.companies[filing.company]
      #expect(own.allSatisfy { $0.form == filing.form && $0.symbols.contains(company.symbols[0]) })
    }
  }

  @Test func badDocumentsAreRefusedAlone() async throws {
    try await withTemporaryDirectory { folder in
      let chain = try DocumentChain(folder: folder)
      defer { chain.broker.close() }
      var other = try chain.document("other", "<html><p>text</p></html>")
      other.sha256 = String(repeating: "0", count: 64)
      let transcript = try chain.document(
        "call", #"{"transcript":[{"speaker":"Ann Lee","title":"CEO","content":"We grew."}]}"#, kind: .transcript,
        type: "application/json")
      let plain = try chain.document("plain", "<html><body><p>It has no items.</p></body></html>")
      try await chain.send([
        try chain.document("gone", nil), other, try chain.document("pdf", "%PDF-1.7 and more"),
        try chain.document("empty", "<html></html>"),
        try chain.document("shape", #"{"a":1}"#, kind: .transcript, type: "application/json"), transcript, plain,
      ], to: Topics.documents, raw: [Array("no document".utf8)])
      let worker = try await chain.startWorker()
      try await eventually("all are read", interval: .milliseconds(200)) {
        let metrics = await worker.metrics()
        return metrics.sum("souk_records_dead_lettered_total") == 6 && metrics.sum("souk_records_kept_total") == 2
      }
      // No item in a form that has some: what the alert looks at.
      #expect(await worker.metrics().sum(
        "souk_documents_total", where: ["form": "10-K", "outcome": "none"]) == 1)
      #expect(await worker.terminate() == .exited(0))
      let codes = try await chain.values(Topics.documents.deadLetters).map { $0.code ?? "" }
      #expect(codes.sorted() == [
        "empty_document", "not_text", "object_not_found", "sha256_mismatch", "unknown_shape", "wrong_type",
      ])
      let chunks = DocumentChain.standing(try await chain.chunks())
      #expect(chunks.map(\.text) == ["We grew.", "It has no items."])
      #expect(chunks[0].speaker == "Ann Lee" && chunks[1].item == nil)
    }
  }

  /// Of a document the text is held and not its markup: 20 MB of it need little more memory than none.
  @Test func aLargeDocumentIsNotHeld() async throws {
    try await withTemporaryDirectory { folder in
      let chain = try DocumentChain(folder: folder)
      defer { chain.broker.close() }
      func filing(_ megabytes: Int) -> String {
        let style = String(repeating: "font-family:Times;", count: 5_500)
        let paragraph = "<div style=\"\(style)\"><ix:nonNumeric>We sell glass and copper.</ix:nonNumeric></div>"
        return "<html><body><p>Item 1. Business</p>"
          + String(repeating: paragraph, count: max(1, megabytes * 10)) + "</body></html>"
      }
      func peak(_ process: ServiceProcess) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.split(whereSeparator: { !$0.isNumber })[0])) / 1_024
      }
      let worker = try await chain.startWorker(["--concurrency", "1"])
      var peaks: [Int] = []
      for (count, megabytes) in [(1, 0), (2, 20)] {
        try await chain.send([try chain.document("\(megabytes)", filing(megabytes))], to: Topics.documents)
        try await eventually("it is split", interval: .milliseconds(200)) {
          await worker.metrics().sum("souk_records_kept_total") == Double(count)
        }
        peaks.append(try peak(worker))
      }
      #expect(peaks[1] - peaks[0] < 12, "MiB: \(peaks)")
      #expect(await worker.terminate() == .exited(0))
      #expect(try await chain.chunks().contains { $0.text.contains("glass and copper") })
    }
  }
}
