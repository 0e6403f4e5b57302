import Runtime

/// A trained model that says what comes next in a series.
///
/// Models are values shared by threads: `predict` may be called from several at once. The forecast of an input
/// depends on that input alone, bit for bit, never on the others of its batch: a replay makes the same forecast.
package protocol ForecastModel: Sendable {
  var manifest: ModelManifest { get }

  /// One output for each input, in their order. An input that cannot be answered gets ``ModelOutput/withheld(_:)``
  /// and takes nothing from the others.
  /// - Throws: `ForecastError` of kind `.libraryFailed` when the library below refuses to work.
  func predict(_ inputs: [ModelInput]) throws(ForecastError) -> [ModelOutput]
}
