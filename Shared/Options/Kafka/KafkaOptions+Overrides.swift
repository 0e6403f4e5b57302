import Core
import Foundation
import Kafka

extension KafkaOptions {
  /// The operator's properties, by rising rank: file, `--kafka-properties`, `--kafka-property`.
  package func overrides() throws(Failure) -> [(name: String, value: String, source: String)] {
    var layers: [(String, String, String)] = []
    if let path = kafkaPropertiesFile {
      let text: String
      do {
        text = try String(contentsOfFile: path, encoding: .utf8)
      } catch {
        throw Failure(
          .configuration, code: "kafka_properties_file",
          "--kafka-properties-file \(path) cannot be read as UTF-8 text: \(error.localizedDescription)")
      }
      for (name, value) in try PropertyText.file(text, source: path) { layers.append((name, value, path)) }
    }
    if let text = kafkaProperties {
      for (name, value) in try PropertyText.list(text, source: "--kafka-properties") {
        layers.append((name, value, "--kafka-properties"))
      }
    }
    for text in kafkaProperty {
      let (name, value) = try PropertyText.pair(text, source: "--kafka-property")
      layers.append((name, value, "--kafka-property"))
    }
    return layers
  }

  func applyOverrides(to properties: inout ClientProperties) throws(Failure) {
    for (name, value, source) in try overrides() { try properties.override(name, value, source: source) }
  }
}
