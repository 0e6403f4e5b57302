import Commodities
import Core
@testable import FetcherService
import HTTP
import Messages
import Testing
import Values

@Suite struct JobTests {
  private let sources = Catalogues.yahoo("https://a.example", more: "symbols: {Brent: BZ=F}")
    + Catalogues.json("https://b.example") + """
      - {name: Oil, kind: alphavantage, url: "https://c.example", token: env:PATH, symbols: {Brent: BRENT}}
    """

  private func job(_ task: IngestionTask) throws -> FetchJob {
    let catalogue = try Catalogues.load(sources)
    return try JobReader(catalogue, sources: catalogue.readSources()).job(task, arrived: time("2025-01-20T12:00:00Z"))
  }

  private func kind(_ task: IngestionTask) -> FetchError.Kind? {
    do { _ = try job(task) } catch { return (error as? FetchError)?.kind }
    return nil
  }

  @Test func aMinimalTaskIsEnough() throws {
    let task = try IngestionTask(decoding: Array(
      "{\"task\":\"fetch_price\",\"material\":\"Copper\",\"source\":\"Yahoo\"}".utf8))
    let job = try job(task)
    #expect(job.series.text == "global.world.screening.copper")
    #expect(job.dueAt == time("2025-01-20T12:00:00Z") && job.deadline == nil && job.sources == [0, 1])
  }

  @Test func theTasksProvidersComeBeforeTheCatalogues() throws {
    #expect(try job(Stage.task("Brent", nil)).sources == [0, 1, 2])
    #expect(try job(Stage.task("Brent", nil, source: "Oil")).sources == [2, 0, 1])
    // Yahoo has no demand: it is skipped, and the answer of the next source is flagged.
    #expect(try job(Stage.task(kind: .fetchDemand, source: "Yahoo")).sources == [1])
    #expect(try job(Stage.task("pvc", "EGYPT")).series.text == "mena.egypt.polymer.pvc")
  }

  @Test func unknownNamesAreReported() throws {
    #expect(kind(Stage.task("Gold")) == .unknownMaterial)
    #expect(kind(Stage.task("…")) == .unknownMaterial)
    #expect(kind(Stage.task("PVC", "Atlantis")) == .unknownCountry)
    #expect(kind(Stage.task("PVC", "Egypt", source: "Nobody")) == .unknownSource)
    #expect(kind(Stage.task("Brent", "Egypt")) == .unexpectedCountry)
    var task = Stage.task()
    task.category = .energy
    #expect(kind(task) == .catalogueDiffers)
    task.category = .polymer
    task.region = "asia"
    #expect(kind(task) == .catalogueDiffers)
    task.region = "mena"
    #expect(kind(task) == nil)
  }

  @Test func sourcesWithoutTheMaterialAreSkipped() throws {
    let catalogue = try Catalogues.load("""
        - {name: Y, kind: yahoo, url: "https://h", symbols: {Brent: BZ=F}}
      """)
    let reader = JobReader(catalogue, sources: try catalogue.readSources())
    #expect { try reader.job(Stage.task(), arrived: .epoch) } throws: { ($0 as? FetchError)?.kind == .noSource }
  }

  @Test func requestTemplatesAreFilledInAndEncoded() throws {
    let source = try Catalogues.source("""
        - name: Y
          kind: json
          url: "https://h/{symbol}/{region}/{category}?k={kind}&u={unit}&d={due_day}&s={due_at_unix}&t={due_at}"
          symbols: {PVC: "A/B {country}"}
          mapping: {value: v, time: t}
          token: file:/dev/null
          token-header: X-API-Key
      """)
    let request = try SourceRequest(source, token: "secret&", limits: Provider.limits(maxAnswerBytes: 100))
      .request(for: job(Stage.task(due: "2025-01-20T14:00:00+02:00")))
    #expect(request.url.text == "https://h/A%2FB%20egypt/mena/polymer?k=price&u=t&d=2025-01-20&s=1737374400"
      + "&t=2025-01-20T12%3A00%3A00Z")
    #expect(request.headers["X-API-Key"] == "secret&" && request.limits.maxRedirects == 0)
    #expect(request.limits.maxBodyBytes == 100 && request.limits.totalTime == .seconds(10))
  }

  @Test func aBareHostGetsTheDefaultRequestOfItsKind() throws {
    let yahoo = try Catalogues.source("""
        - {name: Y, kind: yahoo, url: "https://query1.finance.yahoo.com/", symbols: {PVC: "HG=F"}}
      """)
    let text = try SourceRequest(yahoo, token: nil, limits: .init()).request(for: job(Stage.task())).url.text
    #expect(text == "https://query1.finance.yahoo.com/v8/finance/chart/HG%3DF?interval=1h&range=1d")
    let alpha = try Catalogues.source("""
        - {name: A, kind: alphavantage, url: "https://www.alphavantage.co", symbols: {PVC: COPPER}, token: env:K}
      """)
    let request = try SourceRequest(alpha, token: "k y", limits: .init()).request(for: job(Stage.task()))
    #expect(request.url.text == "https://www.alphavantage.co/query?function=COPPER&apikey=k%20y")
    // What is logged has no query.
    #expect("\(request.url)" == "https://www.alphavantage.co/query?…")
  }
}
