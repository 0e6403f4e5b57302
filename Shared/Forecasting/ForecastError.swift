import Core

/// Why a model cannot be used. The operator has to fix it; a worker that has another model keeps that.
package typealias ForecastError = CodedError<ForecastErrorKind>

package enum ForecastErrorKind: String, ErrorKind {
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

  package var errorClass: ErrorClass { self == .libraryFailed ? .fatal : .configuration }
}
