import ArgumentParser
import Foundation
import Kafka

extension StartPosition: ExpressibleByArgument, CustomStringConvertible {
  /// `earliest`, `latest`, or an RFC 3339 time such as `2026-01-31T06:00:00Z` or `2026-01-31T08:00:00.5+02:00`.
  package init?(argument: String) {
    switch argument {
    case "earliest": self = .earliest
    case "latest": self = .latest
    default:
      let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
      guard let date = (try? Date(argument, strategy: .iso8601)) ?? (try? Date(argument, strategy: fractional)) else {
        return nil
      }
      self = .timestamp(Int64((date.timeIntervalSince1970 * 1_000).rounded()))
    }
  }

  package var description: String {
    switch self {
    case .earliest: "earliest"
    case .latest: "latest"
    case .timestamp(let milliseconds):
      Date(timeIntervalSince1970: Double(milliseconds) / 1_000)
        .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: milliseconds % 1_000 != 0))
    }
  }

  package var defaultValueDescription: String { description }
}

extension GapPolicy: ExpressibleByArgument {}
