import ArgumentParser
import Catalogue
import Core
import LocalServers
import Operations
import Options
import ServiceKit

/// `souk top`
struct TopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "top", abstract: "A live table of a running fleet: rates, times, memory, lag, what is not ready.",
    discussion: """
      Reads /metrics and /readyz of the processes, by default those of the `souk up` that runs in this folder. IN/s \
      and OUT/s are records consumed and kept since the look before; P50 and P99 are of the work on a record, or of a \
      flush where a service writes in batches. On a terminal the table is redrawn until Ctrl-C; elsewhere it is \
      printed once, or -n times.

      Examples:
        souk top
        souk top --address 127.0.0.1:8080 --address 127.0.0.1:8081
        souk top --dns parser:8080 --every 5s
        souk top --prometheus http://prometheus:9090 -n 1 -o json
      """)

  @Option(help: ArgumentHelp("Time between two looks.", valueName: "duration"))
  var every = DurationSetting(.seconds(2))
  @Option(name: [.customShort("n"), .long], help: ArgumentHelp(
    "Stop after so many tables (default: one when standard output is no terminal).", valueName: "tables"))
  var number: Int?
  @OptionGroup(title: "Fleet") var fleet: FleetOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if every.duration < .milliseconds(100) { throw ValidationError("--every must be at least 100ms") }
    if let number, number < 1 { throw ValidationError("--number must be at least 1") }
  }

  func run() async throws {
    let probe = try FleetProbe(fleet.places)
    defer { probe.close() }
    let screen = Screen.standardOutput()
    let stop = stopSignals()
    var before = try await probe.look()
    var printed = 0
    while !stop.isRaised {
      if await stop.sleep(for: every.duration) { break }
      let look = try await probe.look()
      let report = FleetTable(before, look).report
      if screen.isTerminal, output.output == .table {
        screen.show(report.lines(Terminal.standardOutput.isWide(output.wide)))
      } else {
        output.print(report)
      }
      before = look
      printed += 1
      if printed >= number ?? (screen.isTerminal ? .max : 1) { break }
    }
    screen.settle()
  }
}
