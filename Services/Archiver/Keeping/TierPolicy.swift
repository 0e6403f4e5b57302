import Core
import ObjectStore

/// From which age on an object lies in which tier.
struct TierPolicy: Hashable, Sendable {
  struct Step: Hashable, Sendable {
    /// Of the date of the records.
    var days: Int64
    var tier: String
  }
  /// From young to old, and from warm to cold.
  var steps: [Step]
  /// Of the store, warmest first.
  let order: [String]

  /// - Throws: `Failure(.configuration)` that says what would be right.
  init(_ text: String, for location: ObjectLocation) throws(Failure) {
    order = location.tiers
    switch text {
    case "off": steps = []
    case "auto":
      let archive = switch location.kind {
      case .azure: "Archive"
      case .s3: "GLACIER"
      case .folder: ""
      }
      steps = archive.isEmpty ? [] : [Step(days: 730, tier: archive)]
    default: steps = try Self.steps(text, order, location)
    }
  }

  private static func steps(
    _ text: String, _ order: [String], _ location: ObjectLocation
  ) throws(Failure) -> [Step] {
    guard !order.isEmpty else { throw invalid("\(location) keeps all objects alike: --tiers must be off or auto") }
    var steps: [Step] = []
    for part in text.split(separator: ",") {
      let words = part.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
      guard words.count == 2, let age = DurationSetting(text: words[0]), age.duration >= .zero else {
        throw invalid("'\(part)' is not like 730d=\(order.last ?? "")")
      }
      guard let rank = order.firstIndex(of: words[1]) else {
        throw invalid("'\(words[1])' is no tier of \(location); there are \(order.joined(separator: ", "))")
      }
      let days = age.duration.components.seconds / 86_400
      if let last = steps.last, days <= last.days || rank <= order.firstIndex(of: last.tier) ?? 0 {
        throw invalid("'\(part)' follows \(last.days)d=\(last.tier): both ages and tiers have to rise")
      }
      steps.append(Step(days: days, tier: words[1]))
    }
    guard !steps.isEmpty else { throw invalid("it is empty; write off to keep everything as it is") }
    return steps
  }

  /// The tier of what is this old; nil for that of new objects.
  func tier(age days: Int64) -> String? { steps.last { $0.days <= days }?.tier }

  /// Whether an object is to be moved: never to a warmer tier.
  func moves(_ tier: String?, to wanted: String) -> Bool {
    guard let rank = order.firstIndex(of: wanted) else { return false }
    return tier.flatMap { order.firstIndex(of: $0) } ?? -1 < rank
  }

  var text: String { steps.isEmpty ? "off" : steps.map { "\($0.days)d=\($0.tier)" }.joined(separator: ",") }

  private static func invalid(_ text: String) -> Failure {
    Failure(.configuration, code: "archive_tiers", "--tiers: \(text)")
  }
}
