import Runtime

/// Why a model cannot be used. The operator has to fix it; a worker that has another model keeps that.
package struct ForecastError: ClassifiedError, Hashable {
  package enum Kind: String, Hashable, Sendable {
    /// The manifest is not readable or contradicts itself.
    case badManifest = "model_manifest_bad"
    /// The weights are damaged, have other shapes than the manifest says, or exceed a limit.
    case badWeights = "model_weights_bad"
    /// A feature that this release does not know.
    case unknownFeature = "model_feature_unknown"
    /// A format or kind of model that this release does not read.
    case unsupported = "model_unsupported"
    /// The manifest's probes give other results.
    case probeFailed = "model_probe_failed"
    /// A library such as XGBoost failed on a valid input.
    case libraryFailed = "model_library_failed"
  }

  package var kind: Kind
  package var message: String

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  package var code: String { kind.rawValue }
  package var errorClass: ErrorClass { kind == .libraryFailed ? .fatal : .configuration }
  package var description: String { "\(message) [\(code)]" }
}
