import ArgumentParser
import Catalogue
import Core
import Kafka
import ServiceKit

/// `souk lag`
struct LagCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lag", abstract: "How many records each service has still to process.",
    discussion: """
      Counts from the groups' committed offsets to the end of their topics. db-writer commits in its database first, \
      then to Kafka.
      """)
  @OptionGroup(title: "Kafka") var kafka: ClusterOptions

  @Flag(help: "One line per partition instead of one per service.")
  var partitions = false

  func run() async throws {
    let admin = try Cluster(kafka).admin
    var table = TextTable(["GROUP", "TOPIC", .right("PARTITION"), .right("COMMITTED"), .right("END"), .right("LAG")])
    var silent: [String] = []
    // For all coordinators that do not answer together: with no broker each row would wait for its own.
    var patience = Duration.seconds(30)
    for group in ServiceCatalogue.all.flatMap(\.groups) {
      for topic in group.inputs {
        // A group whose coordinator does not answer must not hide the others.
        let limit = Duration.seconds(silent.isEmpty ? 10 : 2)
        let lags: [PartitionLag]
        let begin = ContinuousClock.now
        guard patience > .zero else {
          silent.append("\(group.name): not asked, since others did not answer")
          table.append([group.name, topic.name, "?", "", "", "?"])
          continue
        }
        do throws(KafkaError) {
          lags = try await admin.lag(group: group.name, topics: [topic.name], within: limit)
        } catch {
          if error.errorClass != .transient { throw error }
          patience -= ContinuousClock.now - begin
          silent.append("\(group.name): \(error)")
          table.append([group.name, topic.name, "?", "", "", "?"])
          continue
        }
        table.append([
          group.name, topic.name, lags.isEmpty ? "none" : "all", "", "", grouped(lags.reduce(0) { $0 + Int($1.lag) }),
        ])
        for lag in lags where partitions {
          table.append([
            "", "", "\(lag.partition.partition)", lag.committed.map { grouped(Int($0)) } ?? "-",
            grouped(Int(lag.watermarks.high)), grouped(Int(lag.lag)),
          ])
        }
      }
    }
    print(table.lines.joined(separator: "\n"))
    if let first = silent.first {
      throw Failure(
        .transient, code: "lag_unknown", "the brokers did not say how far \(silent.count) rows are; \(first)")
    }
  }
}
