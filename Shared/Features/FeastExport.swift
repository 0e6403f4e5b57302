import Core

/// The definitions as a repository of Feast (docs.feast.dev): what notebooks join and materialize.
package enum FeastExport {
  /// A field of Feast has no `@`: `return_5m_v1`.
  package static func field(_ feature: FeatureDefinition) -> String { "\(feature.name)_v\(feature.version)" }

  /// `features.py`: an entity, and of each group a view over a folder of Parquet.
  /// - Parameter data: the folder; of a group `bars:1m` it holds `bars_1m.parquet` with `symbol`, `event_timestamp`,
  ///   `known_at` and a column of each field.
  package static func python(_ set: FeatureSet, data: String) -> String {
    var lines = [
      "# Written by `souk features export`. Change the definitions and export again.",
      "from datetime import timedelta",
      "",
      "from feast import Entity, FeatureView, Field, FileSource, ValueType",
      "from feast.types import Float64",
      "",
      "symbol = Entity(name=\"symbol\", join_keys=[\"symbol\"], value_type=ValueType.STRING)",
    ]
    for group in groups(set) {
      let name = group.replacing(":", with: "_")
      let features = set.features(of: group)
      let seconds = features.map { Int(($0.freshness / .seconds(1)).rounded(.up)) }.max() ?? 0
      lines += [
        "",
        "\(name) = FeatureView(",
        "    name=\(quoted(name)),",
        "    entities=[symbol],",
        "    ttl=timedelta(seconds=\(seconds)),",
        "    schema=[",
      ]
      for feature in features {
        lines += [
          "        Field(name=\(quoted(field(feature))), dtype=Float64,",
          "              description=\(quoted(feature.about.isEmpty ? feature.text : feature.about)),",
          "              tags={\"id\": \(quoted(feature.id)), \"definition\": \(quoted(feature.text))}),",
        ]
      }
      lines += [
        "    ],",
        "    source=FileSource(",
        "        name=\(quoted("\(name)_source")),",
        "        path=\(quoted("\(data)/\(name).parquet")),",
        "        timestamp_field=\"event_timestamp\",",
        "        created_timestamp_column=\"known_at\",",
        "    ),",
        ")",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `feature_store.yaml`: everything in files beside it.
  package static let store = """
    project: souk
    provider: local
    registry: registry.db
    online_store: {type: sqlite, path: online.db}
    offline_store: {type: file}
    entity_key_serialization_version: 3

    """

  private static func groups(_ set: FeatureSet) -> [String] {
    set.features.reduce(into: []) { if !$0.contains($1.group) { $0.append($1.group) } }
  }

  static func quoted(_ text: String) -> String {
    "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : $0.isNewline ? " " : String($0) }.joined() + "\""
  }
}
