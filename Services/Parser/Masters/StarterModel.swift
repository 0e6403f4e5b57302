import Foundation

/// The model that is used until a deployment has learnt its own.
enum StarterModel {
  /// A store with a folder `models`, as `--match-models` takes one; nil when it is not installed.
  static var url: String? { nil }
}
