import ArgumentParser
import Commodities
import Core
import Messages
import Options
import Values

/// `scheduler plan`: what would be sent between two times. Asks no cluster.
package struct PlanCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Print the jobs of a span of time; sends nothing.",
    discussion: "--format json prints the messages themselves, one a line.")

  package enum Format: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  @OptionGroup(title: "Time") package var span: TimeSpan
  @OptionGroup(title: "Catalogue") package var markets: CommodityOptions

  @Option(help: ArgumentHelp("Only these schedules; repeatable.", valueName: "name"))
  package var schedule: [String] = []

  @Option(help: "How to print.") package var format = Format.table

  package init() {}

  package func run() throws {
    let plan = try SchedulePlan(try CommodityCatalogue.load(file: markets.catalogue))
    for name in schedule where !plan.schedules.contains(where: { $0.name == name }) {
      throw Failure(
        .configuration, code: "schedule_unknown",
        "--schedule: '\(name)' is none of \(plan.schedules.map(\.name).joined(separator: ", "))")
    }
    var count = 0
    // Hour by hour, so that a year does not lie in memory.
    var start = span.range.lowerBound
    if format == .table { print(PlanTable.heading) }
    while start < span.range.upperBound {
      let end = min(start + 3_600, span.range.upperBound)
      for job in plan.jobs(in: start..<end) where schedule.isEmpty || schedule.contains(plan.name(of: job)) {
        let task = plan.task(of: job)
        switch format {
        case .json: print(String(decoding: task.encoded(), as: UTF8.self))
        case .table: print(PlanTable.line(task))
        }
        count += 1
      }
      start = end
    }
    if format == .table { print("\(count) jobs of \(plan.schedules.count) schedules, plan \(plan.digest)") }
  }
}

/// Lines of a table whose columns are wide enough for what is usual.
enum PlanTable {
  static let heading = row(["DUE", "SCHEDULE", "TASK", "SERIES", "SOURCE", "JOB"])

  static func line(_ task: IngestionTask) -> String {
    row([
      task.dueAt?.description ?? "", task.schedule ?? "", task.task.rawValue,
      String(decoding: task.key, as: UTF8.self), task.source ?? "-", task.jobID ?? "",
    ])
  }

  private static func row(_ cells: [String]) -> String {
    let widths = [20, 20, 12, 44, 14, 0]
    return zip(cells, widths).map { cell, width in
      cell + String(repeating: " ", count: max(0, width - cell.count))
    }.joined(separator: "  ")
  }
}
