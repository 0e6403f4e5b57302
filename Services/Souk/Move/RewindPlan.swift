import Catalogue
import Core
import Kafka

/// Which offsets a rewind moves, from where to where. A pure value.
struct RewindPlan: Hashable, Sendable {
  struct Move: Hashable, Sendable {
    var place: TopicPartition
    var from: Int64
    var to: Int64
    /// Records that are read once more.
    var repeated: Int64 { from - to }
  }
  private(set) var moves: [Move] = []
  /// Partitions in which the group stands before the wanted offset already, or never committed.
  private(set) var untouched = 0
  /// Partitions whose records of that time the retention has taken: they begin at the first that is left.
  private(set) var overtaken: Set<TopicPartition> = []

  /// A rewind goes back only: going forward would pass over records without an effect.
  /// - Parameters:
  ///   - committed: where the group stands.
  ///   - wanted: the first offset at or behind the time.
  ///   - marks: what the topics have.
  init(
    committed: [TopicPartition: Int64], wanted: [TopicPartition: Int64], marks: [TopicPartition: Watermarks]
  ) {
    for (place, mark) in marks.sorted(by: { $0.key < $1.key }) {
      guard let from = committed[place], let target = wanted[place] else {
        untouched += 1
        continue
      }
      let to = max(target, mark.low)
      guard to < from else {
        untouched += 1
        continue
      }
      if mark.low > 0, to == mark.low { overtaken.insert(place) }
      moves.append(Move(place: place, from: from, to: to))
    }
  }

  var repeated: Int64 { moves.reduce(0) { $0 + $1.repeated } }

  /// What a repetition does at the service's sink, or why there must be none.
  static func effect(of service: ServiceEntry) -> (allowed: Bool, words: String) {
    switch service.sink {
    case .postgres:
      (true, "rows that are there already stay as they are: each is keyed, and a price is written only when it changes")
    case .influx: (true, "points are named by their series and time, so the same record writes the same point")
    case .redis: (true, "a write compares event times, so an older record changes nothing")
    case .objectStore where service.isStateful:
      (false, """
       objects are named by the offsets that they hold; ranges that begin elsewhere would hold records twice. \
       Replay the topic into another one, or read the objects that are there
       """)
    case .objectStore: (true, "files are stored under the same names once more")
    default:
      (true, "records are produced once more, with the same ids; the services behind it see repeats and change nothing")
    }
  }
}
