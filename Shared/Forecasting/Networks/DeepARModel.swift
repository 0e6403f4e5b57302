import Tensors
import Core

/// A recurrent network that outputs a distribution for the next value, and reads a sample of it to predict the one
/// after (Salinas et al. 2020; see ``StepDistribution``).
///
/// The network reads `context` periods, the last of them the first step; its state is then copied to `samples` paths,
/// which continue independently. Quantiles are those of the sampled values. The mean of a step averages the means of
/// the paths' distributions: the same expectation as the samples', with less noise, and exact for the first step.
package struct DeepARModel: ForecastModel {
  private let reading: RecurrentEncoder
  private let head: DenseLayer
  private let kind: DistributionKind
  /// Columns of the features computed from a path's own values, and of the others.
  private let lags: [(column: Int, periods: Int)]
  private let others: [(column: Int, feature: Feature)]
  private let rule: OutputTransform

  package var manifest: ModelManifest { reading.manifest }

  /// - Throws: `ForecastError` that says how manifest and weights disagree.
  init(_ manifest: ModelManifest, weights: NetworkWeights) throws(ForecastError) {
    reading = try RecurrentEncoder(manifest, weights)
    guard let kind = reading.shape.head, reading.shape.samples != nil else {
      throw ForecastError(.badManifest, "network: DeepAR needs a head and samples")
    }
    self.kind = kind
    head = try DenseLayer(weights, prefix: "head", inputs: reading.shape.hidden, outputs: kind.parameterCount)
    var lags: [(Int, Int)] = []
    var others: [(Int, Feature)] = []
    for (column, feature) in reading.features.features.enumerated() {
      if case .lag(let periods) = feature { lags.append((column, periods)) } else { others.append((column, feature)) }
    }
    self.lags = lags
    self.others = others
    rule = OutputTransform(manifest)
  }

  package func predict(_ inputs: [ModelInput]) throws(ForecastError) -> [ModelOutput] {
    let paths = reading.shape.samples ?? 1
    var outputs = [ModelOutput](repeating: .withheld(.resultNotFinite), count: inputs.count)
    let kept = PreparedInput.fit(inputs, to: manifest, &outputs)
    let following = LSTMStack.State(reading.stack, rows: paths)
    let numbers = FloatBuffer(max(paths, RowBlocks.large) * head.outputs)
    for (range, rows) in RowBlocks.ranges(kept.count) {
      let block = kept[range]
      let state = LSTMStack.State(reading.stack, rows: rows)
      var refused: [Int: WithheldReason] = [:]
      reading.read(block, state, refused: &refused)
      head.apply(state.output(0), stride: state.outputStride, rows: rows, into: numbers)
      let first = block.enumerated().map { row, one in distribution(numbers, row, one.input) }
      for (row, one) in block.enumerated() {
        if let reason = refused[row] {
          outputs[one.index] = .withheld(reason)
          continue
        }
        following.fill(from: state, row: row)
        outputs[one.index] = sampled(one.input, first[row], following, numbers)
      }
    }
    return outputs
  }

  /// The distributions of the steps along a given path: step `n + 1` follows its first `n` values.
  ///
  /// - Parameter path: `horizon - 1` values or more, in the unit of the series.
  package func distributions(_ input: ModelInput, along path: [Double]) -> Result<[StepDistribution], WithheldReason> {
    PreparedInput.make(input, for: manifest).flatMap { prepared in
      let state = LSTMStack.State(reading.stack, rows: RowBlocks.small)
      var refused: [Int: WithheldReason] = [:]
      reading.read([PreparedInput.Kept(index: 0, input: prepared)], state, refused: &refused)
      if let reason = refused[0] { return .failure(reason) }
      let numbers = FloatBuffer(state.rows * head.outputs)
      var distributions: [StepDistribution] = []
      for step in 0..<manifest.horizon {
        if step > 0 { advance(state, prepared, step) { path[$1] } }
        head.apply(state.output(0), stride: state.outputStride, rows: state.rows, into: numbers)
        distributions.append(distribution(numbers, 0, prepared))
      }
      return .success(distributions)
    }
  }

  private func distribution(_ numbers: FloatBuffer, _ row: Int, _ input: PreparedInput) -> StepDistribution {
    StepDistribution(kind, numbers.start + row * head.outputs, input.scale)
  }

  private func sampled(
    _ input: PreparedInput, _ first: StepDistribution, _ state: LSTMStack.State, _ numbers: FloatBuffer
  ) -> ModelOutput {
    let paths = state.rows
    /// Values of each path, by step.
    var values: [[Double]] = []
    values.reserveCapacity(manifest.horizon)
    var steps: [Forecast.Step] = []
    for step in 0..<manifest.horizon {
      var drawn = [Double](repeating: 0, count: paths)
      var sum = 0.0
      if step > 0 {
        advance(state, input, step) { values[$1][$0] }
        head.apply(state.output(0), stride: state.outputStride, rows: paths, into: numbers)
      }
      for path in 0..<paths {
        let distribution = step == 0 ? first : distribution(numbers, path, input)
        var stream = RandomStream(seed: input.seed, path: path, step: step)
        let value = distribution.sample(&stream)
        guard value.isFinite else { return .withheld(.resultNotFinite) }
        drawn[path] = max(value, rule.floor)
        sum += distribution.mean
      }
      values.append(drawn)
      let mean = max(step == 0 ? first.mean : sum / Double(paths), rule.floor)
      let sorted = manifest.quantiles.isEmpty ? [] : drawn.sorted()
      var quantiles = manifest.quantiles.map { quantile($0, ofSorted: sorted) }
      if rule.isCalibrated {
        let own = quantiles.map { input.scale.scaled($0) }
        quantiles = rule.calibrated(own, step, mean: input.scale.scaled(mean), input)
          .map { rule.restored($0, input) }
      }
      steps.append(Forecast.Step(mean: mean, quantiles: quantiles))
    }
    return OutputTransform.output(steps)
  }

  /// Reads the period of `step` for all rows.
  /// - Parameter drawn: a row's value at an earlier step.
  private func advance(
    _ state: LSTMStack.State, _ input: PreparedInput, _ step: Int, _ drawn: (_ row: Int, _ step: Int) -> Double
  ) {
    let place = input.count + step
    let common = others.map { column, feature in
      (column, Float(reading.features.value(of: feature, in: input, at: place, timePlace: place, step: 1)))
    }
    for row in 0..<state.rows {
      let numbers = state.input(row)
      for (column, number) in common { numbers[column] = number }
      for (column, periods) in lags {
        let back = place - periods
        let value = back < input.count ? input.value(at: back) : drawn(row, back - input.count)
        numbers[column] = Float(input.scale.scaled(value))
      }
    }
    reading.stack.step(state)
  }
}
