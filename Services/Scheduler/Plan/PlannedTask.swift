import Catalogue
import Messages
import Values

/// The message of a job, by the kind of its plan.
package enum PlannedTask: Hashable, Sendable {
  /// The price or demand of a material.
  case commodity(IngestionTask)
  /// Market data.
  case market(FetchTask)

  package var topic: Topic {
    switch self {
    case .commodity: IngestionTask.topic
    case .market(let task): FetchTask.topic(of: task.kind)
    }
  }
  private var message: any Message {
    switch self {
    case .commodity(let task): task
    case .market(let task): task
    }
  }
  package var key: [UInt8] { message.key }
  package func encode(into writer: inout JSONWriter) { message.encode(into: &writer) }
  package func encoded() -> [UInt8] { message.encoded() }

  package var jobID: String? {
    switch self {
    case .commodity(let task): task.jobID
    case .market(let task): task.jobID
    }
  }
  package var schedule: String? {
    switch self {
    case .commodity(let task): task.schedule
    case .market(let task): task.schedule
    }
  }
  package var dueAt: Timestamp? {
    switch self {
    case .commodity(let task): task.dueAt
    case .market(let task): task.dueAt
    }
  }
  package var deadline: Timestamp? {
    switch self {
    case .commodity(let task): task.deadline
    case .market(let task): task.deadline
    }
  }
  package var source: String? {
    switch self {
    case .commodity(let task): task.source
    case .market(let task): task.source
    }
  }
  /// For people: `fetch_price`, `bars`.
  package var kind: String {
    switch self {
    case .commodity(let task): task.task.rawValue
    case .market(let task): task.kind.rawValue
    }
  }
  /// What it is about, for people: a series, or the first symbol and how many follow.
  package var subject: String {
    switch self {
    case .commodity(let task): return String(decoding: task.key, as: UTF8.self)
    case .market(let task):
      let more = task.symbols.count - 1
      return "\(task.symbols.first ?? "-")\(more > 0 ? " and \(more) more" : "")"
    }
  }
}
