import ArgumentParser
import Core
import Messages
import Options
import Values

/// `scheduler plan`: what would be sent between two times. Asks no cluster.
package struct PlanCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Print the jobs of a span of time; sends nothing.",
    discussion: """
      --format json prints the messages themselves, one a line. Behind the table of a plan of market data is what it \
      costs each source. A plan that the budgets of its sources cannot pay for is refused with the arithmetic and what \
      would fit, exit code 78.
      """)

  package enum Format: String, CaseIterable, ExpressibleByArgument {
    case table, json
  }

  @OptionGroup(title: "Time") package var span: TimeSpan
  @OptionGroup(title: "Catalogue") package var catalogue: PlanOptions

  @Option(help: ArgumentHelp("Only these schedules; repeatable.", valueName: "name"))
  package var schedule: [String] = []

  @Option(help: "How to print.") package var format = Format.table

  package init() {}

  package func run() throws {
    let loaded = try catalogue.load()
    let plan = loaded.plan
    for name in schedule where !plan.names.contains(name) {
      throw Failure(
        .configuration, code: "schedule_unknown",
        "--schedule: '\(name)' is none of \(plan.names.joined(separator: ", "))")
    }
    var costs: [String] = []
    if let catalogue = loaded.catalogue {
      let cost = try PlanCost(catalogue, in: span.range)
      try cost.require()
      costs = cost.lines
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
    guard format == .table else { return }
    print("\(count) jobs of \(plan.names.count) schedules, plan \(plan.digest)")
    for line in costs { print(line) }
  }
}

/// Lines of a table whose columns are wide enough for what is usual.
enum PlanTable {
  static let heading = row(["DUE", "SCHEDULE", "TASK", "SERIES", "SOURCE", "JOB"])

  static func line(_ task: PlannedTask) -> String {
    row([
      task.dueAt?.description ?? "", task.schedule ?? "", task.kind, task.subject,
      task.source ?? "-", task.jobID ?? "",
    ])
  }

  private static func row(_ cells: [String]) -> String {
    let widths = [20, 20, 12, 44, 14, 0]
    return zip(cells, widths).map { cell, width in
      cell + String(repeating: " ", count: max(0, width - cell.count))
    }.joined(separator: "  ")
  }
}
