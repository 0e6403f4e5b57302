import ArgumentParser
import Core
import EdgarSimulator
import SimulatorServer

/// Serves invented reports until stopped.
@main
struct EdgarSimulatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edgar-simulator", abstract: "The SEC's EDGAR with invented reports, for demos and tests.",
    discussion: """
      Lists of submissions, daily indexes and documents as EDGAR has them, for clients that name an address; more than \
      ten requests a second are refused. GET /_edgar/truth lists the reports with their items, GET /_edgar/questions \
      what can be asked, with the answers. POST /_edgar/fault?mode=outage misbehaves.
      """,
    version: Souk.version)

  @OptionGroup var listen: ListenOptions
  @Option(help: "What the reports are drawn from.") var seed: UInt64 = 1
  @Option(help: "Companies, 1 to 6.") var companies = 4
  @Option(help: "Paragraphs of an item of an annual report.") var paragraphs = 6

  func validate() throws {
    guard (1...6).contains(companies), (1...100_000).contains(paragraphs) else {
      throw ValidationError("--companies goes from 1 to 6, --paragraphs from 1 to 100000")
    }
  }

  func run() async throws {
    try await EdgarSimulator(
      EdgarCorpus(seed: seed, companies: companies, paragraphs: paragraphs), server: listen.server("edgar-simulator")
    ).run(listen)
  }
}
