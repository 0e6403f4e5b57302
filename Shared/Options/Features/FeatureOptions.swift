import ArgumentParser
import Core
import Features

/// Which features are computed.
package struct FeatureOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "YAML file with the definitions of features; default: the embedded ones (souk features list).", valueName: "path"))
  package var features: String?

  package init() {}

  /// - Throws: a configuration `Failure` naming file and line.
  package func set() throws(Failure) -> FeatureSet { try FeatureSet(file: features) }
}
