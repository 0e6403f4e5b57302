import Catalogue
import Core
import Operations
import Messages

/// Jobs of the batch layer: what was asked for, and how far it is.
extension Board {
  var jobPages: [Page] {
    guard let topics = gateway.topics else { return [] }
    let states = [""] + BatchStatus.State.allCases.map(\.rawValue)
    return [
      Page(
        ["jobs"], .jobs, "Jobs", "What the batch layer computes, the newest first.",
        [
          Parameter("state", .choice(states, standard: ""), "Only jobs of this state."),
          Gateway.limit(50, 500),
        ], refresh: .seconds(3)
      ) { view in
        PageContent([batchPanel(view, topics)])
      },
    ]
  }

  private func batchPanel(_ view: PageRequest, _ topics: LiveTopics) -> Panel {
    Panel("batch", "Batch jobs", .command("souk batch list")) {
      guard topics.isReachable || topics.hasRead(Topics.batchJobs) else {
        throw Problem.away("kafka", "Kafka does not answer, and the topic of jobs has not been read yet.")
      }
      var table = Table([
        .text("job", "Job"), .text("kind", "Kind"), .text("state", "State"), .number("parts_done", "Done"),
        .number("parts_total", "Of"), .number("rows", "Rows"), .text("updated_at", "Updated"),
        .text("message", "Message"),
      ])
      let wanted = view.text("state")
      for (job, status) in gateway.live.jobs(most: 1_000) {
        let state = status?.state.rawValue ?? (job.cancelled ? "cancelled" : "submitted")
        guard wanted.isEmpty || state == wanted, table.report.rows.count < view.count("limit") else { continue }
        table.append([
          .text(job.jobID), .text(job.kind.rawValue), .text(state), .count(status?.partsDone),
          .count(status?.partsTotal), .count(status?.rows),
          .text(RFC3339.text(ns: status?.updatedNs ?? job.submittedNs, digits: 0)),
          .text(status?.message ?? status?.reason),
        ], status?.state == .failed ? .bad : .plain)
      }
      return Panel.Filling([.table(table)], nothing: "No job was submitted. POST /api/v1/jobs submits one.")
    }
  }
}
