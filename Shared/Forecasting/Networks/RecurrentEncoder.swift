import Core

/// The shared part of LSTM and DeepAR: validates inputs and reads them period by period.
struct RecurrentEncoder: Sendable {
  let manifest: ModelManifest
  let shape: NetworkShape
  let features: FeatureSet
  let stack: LSTMStack

  /// - Throws: `ForecastError` that says how manifest and weights disagree.
  init(_ manifest: ModelManifest, _ weights: NetworkWeights) throws(ForecastError) {
    guard let shape = manifest.network else {
      throw ForecastError(.badManifest, "network: a \(manifest.kind.rawValue) model needs it")
    }
    self.manifest = manifest
    self.shape = shape
    features = try FeatureSet(manifest)
    stack = try LSTMStack(weights, prefix: "lstm", inputs: features.count, hidden: shape.hidden, layers: shape.layers)
  }

  /// Reads the `context` periods up to the first step of the forecast, each with what was known before it.
  /// - Parameters:
  ///   - block: at most `state.rows` inputs.
  ///   - refused: receives inputs with a feature that has no value, by their index in the block.
  func read(_ block: ArraySlice<PreparedInput.Kept>, _ state: LSTMStack.State, refused: inout [Int: WithheldReason]) {
    for place in manifest.history - shape.context + 1...manifest.history {
      for (row, kept) in block.enumerated() where refused[row] == nil {
        let reason = features.fill(state.input(row), of: kept.input, at: place, timePlace: place, step: 1)
        guard let reason else { continue }
        refused[row] = reason
        // NaN would stay in the row for ever.
        state.input(row).update(repeating: 0, count: features.count)
      }
      stack.step(state)
    }
  }
}
