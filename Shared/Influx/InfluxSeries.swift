import Core
import Foundation

/// One series of an InfluxQL result.
package struct InfluxSeries: Decodable, Hashable, Sendable {
  package enum Value: Decodable, Hashable, Sendable {
    case null
    case number(Double)
    case text(String)
    case boolean(Bool)

    package init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let boolean = try? container.decode(Bool.self) {
        self = .boolean(boolean)
      } else if let number = try? container.decode(Double.self) {
        self = .number(number)
      } else {
        self = .text(try container.decode(String.self))
      }
    }

    package var number: Double? { if case .number(let number) = self { number } else { nil } }
  }

  package var name: String
  package var tags: [String: String]?
  package var columns: [String]
  /// One row per time, in the order of `columns`.
  package var values: [[Value]]

  /// Reads the JSON of `/query`.
  /// - Throws: `Failure` when the server refused the statement, or when the body is not an InfluxQL result.
  static func read(_ body: [UInt8]) throws(Failure) -> [InfluxSeries] {
    struct Answer: Decodable {
      struct Result: Decodable {
        var series: [InfluxSeries]?
        var error: String?
      }
      var results: [Result]?
      var error: String?
    }
    let answer: Answer
    do { answer = try JSONDecoder().decode(Answer.self, from: Data(body)) } catch {
      throw Failure(.fatal, code: "influx_answer", "the server's answer is not an InfluxQL result")
    }
    if let error = answer.error ?? answer.results?.lazy.compactMap(\.error).first {
      throw Failure(.fatal, code: "influx_query", "the server refused the query: \(error.prefix(200))")
    }
    return answer.results?.flatMap { $0.series ?? [] } ?? []
  }
}
