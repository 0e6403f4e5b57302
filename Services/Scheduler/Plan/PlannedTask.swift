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
  private var message: any ScheduledMessage {
    switch self {
    case .commodity(let task): task
    case .market(let task): task
    }
  }
  package var key: [UInt8] { message.key }
  package func encode(into writer: inout JSONWriter) { message.encode(into: &writer) }
  package func encoded() -> [UInt8] { message.encoded() }
  package var jobID: String? { message.jobID }
  package var schedule: String? { message.schedule }
  package var dueAt: Timestamp? { message.dueAt }
  package var deadline: Timestamp? { message.deadline }
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

/// What the messages of all kinds of plans have.
private protocol ScheduledMessage: Message {
  var jobID: String? { get }
  var schedule: String? { get }
  var dueAt: Timestamp? { get }
  var deadline: Timestamp? { get }
}

extension IngestionTask: ScheduledMessage {}
extension FetchTask: ScheduledMessage {}
