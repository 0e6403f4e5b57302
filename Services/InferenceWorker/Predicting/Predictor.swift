import Forecasting
import Logging
import ObjectStore
import Runtime
import Schemas

/// What is known of a series when one of its observations is worked on.
struct KnownSeries {
  /// Newest time first.
  var points: [SeriesHistory.Point]
  var measures: [SeriesHistory.Measure]
}

/// Occasions in, predictions out: prepares what each model is given, asks the models in micro-batches, and turns
/// their answers into messages. A function of what is known and of the models alone.
struct Predictor {
  let builder: InputBuilder
  /// Most inputs a model is given at once.
  let batchSize: Int
  /// How long after it was written a driver's value counts, in milliseconds.
  let driverDelay: Int64
  let metrics: WorkerMetrics
  let logger: Logger

  /// One prediction on its way.
  private struct Draft {
    var model: Int
    var input: PreparedInput
    var output: ModelOutput?
    var failed = false
  }

  /// - Parameters:
  ///   - known: of the occasion's series, as of its offset.
  ///   - drivers: for each name, nil where nothing is known.
  /// - Returns: the predictions for each occasion, in the order of the models.
  func predictions(
    for occasions: [Occasion], by models: [ShelvedModel], known: (Occasion) -> KnownSeries,
    drivers: ([SeriesName]) -> [DriverSeries?]
  ) -> [[Prediction]] {
    let driversOf = models.map { drivers($0.drivers) }
    var drafts: [[Draft]] = []
    var asked: [[(occasion: Int, draft: Int, input: ModelInput)]] = models.map { _ in [] }
    for (index, occasion) in occasions.enumerated() {
      var made: [Draft] = []
      var series: KnownSeries?
      for (number, model) in models.enumerated() where model.applies(to: occasion.name) {
        let world = series ?? known(occasion)
        series = world
        let input = prepare(occasion, world, model, driversOf[number])
        if case .ask(let question) = input.verdict { asked[number].append((index, made.count, question)) }
        made.append(Draft(model: number, input: input))
      }
      drafts.append(made)
    }
    for (number, questions) in asked.enumerated() {
      for start in stride(from: 0, to: questions.count, by: batchSize) {
        let part = questions[start..<min(start + batchSize, questions.count)]
        for (question, answer) in zip(part, ask(models[number].model, part.map(\.input))) {
          drafts[question.occasion][question.draft].output = answer
          drafts[question.occasion][question.draft].failed = answer == nil
        }
      }
    }
    let predictions = zip(occasions, drafts).map { occasion, drafts in
      drafts.map { prediction(occasion, $0, models[$0.model]) }
    }
    metrics.predicted(predictions.joined())
    return predictions
  }

  private func prepare(
    _ occasion: Occasion, _ series: KnownSeries, _ model: ShelvedModel, _ drivers: [DriverSeries?]
  ) -> PreparedInput {
    // What was observed later takes no part in it.
    let isLate = series.points.first.map { $0.observedAt > occasion.observedAt } ?? false
    var known = series
    if isLate { known.points.removeAll { $0.observedAt > occasion.observedAt } }
    if known.points.first?.observedAt != occasion.observedAt {
      // Older than all that is remembered: it is known by itself only.
      known = KnownSeries(
        points: [.init(
          observedAt: occasion.observedAt, value: occasion.value, offset: occasion.offset, stamp: occasion.stamp)],
        measures: [occasion.measure])
    }
    let stamp = occasion.stamp < 0 ? Int64.max : occasion.stamp - driverDelay
    return builder.prepare(
      known.points, measures: known.measures, name: occasion.name, isLate: isLate, manifest: model.manifest,
      drivers: drivers, stamp: stamp)
  }

  /// - Returns: nil for an input that the model fails at. A batch it fails at is asked again one by one, so that one
  ///   series cannot silence the others.
  private func ask(_ model: any ForecastModel, _ inputs: [ModelInput]) -> [ModelOutput?] {
    let start = ContinuousClock.now
    defer { metrics.asked(model.manifest, inputs.count, in: .now - start) }
    do {
      return try model.predict(inputs)
    } catch {
      logger.error(
        "a model failed", metadata: ["model": "\(model.manifest.name)", "inputs": "\(inputs.count)",
          "reason": "\(error)"])
      guard inputs.count > 1 else { return [nil] }
      return inputs.map { try? model.predict([$0]).first }
    }
  }

  // MARK: Messages

  private func prediction(_ occasion: Occasion, _ draft: Draft, _ model: ShelvedModel) -> Prediction {
    let manifest = model.manifest
    var prediction = Prediction(
      predictionID: Self.id(occasion, manifest, draft.input.digest), series: occasion.name.series,
      kind: occasion.name.kind, model: manifest.name, modelVersion: manifest.version,
      modelKind: manifest.kind.rawValue, issuedAt: Timestamp(microseconds: occasion.observedAt) ?? .epoch,
      currency: draft.input.measure.currency, unit: draft.input.measure.unit, steps: [],
      inputDigest: draft.input.digest, flags: draft.input.flags.map(\.rawValue))
    switch (draft.input.verdict, draft.output) {
    case (.withhold(let reason), _): prediction.withheld = reason.rawValue
    case (.ask, .withheld(let reason)): prediction.withheld = reason.rawValue
    case (.ask, nil): prediction.withheld = InputReason.modelFailed.rawValue
    case (.ask, .forecast(let forecast)):
      let steps = forecast.steps.enumerated().map { step($0.element, $0.offset + 1, occasion, model) }
      prediction.steps = steps.compactMap { $0 }
      if prediction.steps.count < steps.count || steps.isEmpty {
        prediction.steps = []
        prediction.withheld = InputReason.resultNotFinite.rawValue
      }
    }
    return prediction
  }

  /// - Returns: nil for a number that cannot be written down.
  private func step(
    _ step: Forecast.Step, _ number: Int, _ occasion: Occasion, _ model: ShelvedModel
  ) -> Prediction.Step? {
    let period = Int64(model.manifest.period) * 1_000_000
    guard let mean = ExactDecimal(rounding: step.mean),
      let target = Timestamp(microseconds: occasion.observedAt + Int64(number) * period),
      step.quantiles.count == model.quantiles.count
    else { return nil }
    var quantiles: [Prediction.Quantile] = []
    for (probability, value) in zip(model.quantiles, step.quantiles) {
      guard let value = ExactDecimal(rounding: value) else { return nil }
      quantiles.append(.init(probability: probability, value: value))
    }
    return Prediction.Step(step: Int64(number), targetAt: target, mean: mean, quantiles: quantiles)
  }

  /// The same for whoever makes it again, and another for another input, such as when a correction is taken back and
  /// more is known by then: 32 hexadecimal digits.
  private static func id(_ occasion: Occasion, _ manifest: ModelManifest, _ digest: String) -> String {
    let parts = [
      occasion.name.series.text, occasion.name.kind.rawValue, manifest.name, manifest.version,
      "\(occasion.observedAt)", occasion.value.normalized.description, digest,
    ]
    return String(SHA256.hash(parts.joined(separator: "\n")).hex.prefix(32))
  }
}
