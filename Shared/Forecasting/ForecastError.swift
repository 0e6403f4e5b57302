import Runtime

/// Why a model cannot be used. A bad model is the operator's business: a service that has another one keeps it.
package struct ForecastError: ClassifiedError, Hashable {
  package enum Kind: String, Hashable, Sendable {
    /// The manifest is not readable or contradicts itself.
    case badManifest = "model_manifest_bad"
    /// The weights are damaged, of other shapes than the manifest says, or above a limit.
    case badWeights = "model_weights_bad"
    /// A feature that this release does not know.
    case unknownFeature = "model_feature_unknown"
    /// Another format, or kind of model, than this release reads.
    case unsupported = "model_unsupported"
    /// The probes of the manifest come out differently.
    case probeFailed = "model_probe_failed"
    /// XGBoost or the like failed on a good input.
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
