import ArgumentParser

/// `<program> --print-reference settings` and `metrics`: every program tells its own reference, so that whoever
/// gathers them need not be built from all of them. Works only alone, and is not shown in `--help`.
enum ReferenceQuestion: String {
  case settings, metrics

  static let flag = "--print-reference"

  /// - Returns: nil when the arguments ask for something else.
  init?(_ arguments: [String]) {
    guard arguments.count == 2, arguments[0] == Self.flag else { return nil }
    self.init(rawValue: arguments[1])
  }

  /// Markdown.
  func answer(for root: any ParsableCommand.Type) throws -> String {
    switch self {
    case .settings: try SettingsReference.markdown(for: root, level: 3)
    case .metrics: MetricsReference.markdown(for: root)
    }
  }
}
