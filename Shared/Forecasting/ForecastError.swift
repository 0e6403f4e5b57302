import Runtime

/// Why a model cannot be used. The operator has to replace it; a service that has another model keeps that one.
package typealias ForecastError = CodedError<ForecastErrorKind>

package enum ForecastErrorKind: String, ErrorKind {
  /// The manifest is not readable or contradicts itself.
  case badManifest = "model_manifest_bad"
  /// The weights are damaged, of other shapes than the manifest says, or above a limit.
  case badWeights = "model_weights_bad"
  /// A feature that this release does not know.
  case unknownFeature = "model_feature_unknown"
  /// Another format, or kind of model, than this release reads.
  case unsupported = "model_unsupported"
  /// The model predicts other values than the manifest's probes state.
  case probeFailed = "model_probe_failed"
  /// XGBoost or the like failed on a good input.
  case libraryFailed = "model_library_failed"

  package var errorClass: ErrorClass { self == .libraryFailed ? .fatal : .configuration }
}
