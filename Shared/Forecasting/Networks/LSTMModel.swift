import Tensors

/// A recurrent network that reads the newest periods and outputs all steps at once.
///
/// `head.weight` is `horizon * (1 + quantiles)` x `hidden`: for each step the mean, then the quantiles.
package struct LSTMModel: ForecastModel {
  private let reading: RecurrentEncoder
  private let head: DenseLayer
  private let rule: OutputTransform
  /// Outputs of the head per step.
  private let width: Int

  package var manifest: ModelManifest { reading.manifest }

  /// - Throws: `ForecastError` that says how manifest and weights disagree.
  init(_ manifest: ModelManifest, weights: NetworkWeights) throws(ForecastError) {
    reading = try RecurrentEncoder(manifest, weights)
    width = 1 + manifest.quantiles.count
    head = try DenseLayer(weights, prefix: "head", inputs: reading.shape.hidden, outputs: manifest.horizon * width)
    rule = OutputTransform(manifest)
  }

  package func predict(_ inputs: [ModelInput]) throws(ForecastError) -> [ModelOutput] {
    var outputs = [ModelOutput](repeating: .withheld(.resultNotFinite), count: inputs.count)
    let kept = PreparedInput.fit(inputs, to: manifest, &outputs)
    for (range, rows) in RowBlocks.ranges(kept.count) {
      let block = kept[range]
      let state = LSTMStack.State(reading.stack, rows: rows)
      var refused: [Int: WithheldReason] = [:]
      reading.read(block, state, refused: &refused)
      let numbers = FloatBuffer(rows * head.outputs)
      head.apply(state.output(0), stride: state.outputStride, rows: rows, into: numbers)
      for (row, one) in block.enumerated() {
        outputs[one.index] = refused[row].map { .withheld($0) }
          ?? output(numbers.start + row * head.outputs, one.input)
      }
    }
    return outputs
  }

  private func output(_ numbers: UnsafePointer<Float>, _ input: PreparedInput) -> ModelOutput {
    OutputTransform.output((0..<manifest.horizon).map { step in
      let start = numbers + step * width
      return rule.step(step, mean: Double(start[0]), quantiles: (1..<width).map { Double(start[$0]) }, input)
    })
  }
}
