import Core
import Forecasting
import Kafka
import Logging
import Messages
import Values

/// One observation to predict from.
struct PredictionRequest: Sendable {
  var partition: TopicPartition
  var offset: Int64
  var name: SeriesName
  /// Microseconds since 1970.
  var observedAt: Int64
  var value: ExactDecimal
  var measure: SeriesHistory.Measure
  /// The record's timestamp, milliseconds since 1970; -1 without one.
  var stamp: Int64
  /// The record's `traceparent`.
  var trace: [UInt8]?
}

/// The known points of a series when a prediction is made.
struct KnownSeries {
  /// Newest time first.
  var points: [SeriesHistory.Point]
  var measures: [SeriesHistory.Measure]
}

/// Prepares the models' inputs, runs the models in micro-batches, and converts their answers to messages. A function
/// of the known points and the models alone.
struct Predictor {
  let builder: InputBuilder
  /// The most inputs per call of a model.
  let batchSize: Int
  /// A driver's value counts for observations written this much later, in milliseconds.
  let driverDelay: Int64
  let metrics: WorkerMetrics
  let logger: Logger

  /// One unfinished prediction.
  private struct Draft {
    var model: Int
    var input: CheckedInput
    var output: ModelOutput?
    var failed = false
  }

  /// - Parameters:
  ///   - known: the points of the request's series, as of its offset.
  ///   - drivers: a series for each name, nil for an unknown one.
  /// - Returns: the predictions for each request, in the order of the models.
  func predictions(
    for requests: [PredictionRequest], by models: [LoadedModel], known: (PredictionRequest) -> KnownSeries,
    drivers: ([SeriesName]) -> [SeriesHistory?]
  ) -> [[Prediction]] {
    let driversOf = models.map { drivers($0.drivers) }
    var drafts: [[Draft]] = []
    var asked: [[(request: Int, draft: Int, input: ModelInput)]] = models.map { _ in [] }
    for (index, request) in requests.enumerated() {
      var made: [Draft] = []
      var series: KnownSeries?
      for (number, model) in models.enumerated() where model.applies(to: request.name) {
        let points = series ?? known(request)
        series = points
        let input = prepare(request, points, model, driversOf[number])
        if case .ask(let question) = input.decision { asked[number].append((index, made.count, question)) }
        made.append(Draft(model: number, input: input))
      }
      drafts.append(made)
    }
    for (number, questions) in asked.enumerated() {
      for start in stride(from: 0, to: questions.count, by: batchSize) {
        let part = questions[start..<min(start + batchSize, questions.count)]
        for (question, answer) in zip(part, ask(models[number].model, part.map(\.input))) {
          drafts[question.request][question.draft].output = answer
          drafts[question.request][question.draft].failed = answer == nil
        }
      }
    }
    let predictions = zip(requests, drafts).map { request, drafts in
      drafts.map { prediction(request, $0, models[$0.model]) }
    }
    metrics.predicted(predictions.joined())
    return predictions
  }

  private func prepare(
    _ request: PredictionRequest, _ series: KnownSeries, _ model: LoadedModel, _ drivers: [SeriesHistory?]
  ) -> CheckedInput {
    // Later observations do not count.
    let isLate = series.points.first.map { $0.observedAt > request.observedAt } ?? false
    var known = series
    if isLate { known.points.removeAll { $0.observedAt > request.observedAt } }
    if known.points.first?.observedAt != request.observedAt {
      // Older than all remembered points: the observation is its only point.
      known = KnownSeries(
        points: [.init(
          observedAt: request.observedAt, value: request.value, offset: request.offset, stamp: request.stamp)],
        measures: [request.measure])
    }
    let stamp = request.stamp < 0 ? Int64.max : request.stamp - driverDelay
    return builder.prepare(
      known.points, measures: known.measures, name: request.name, isLate: isLate, manifest: model.manifest,
      drivers: drivers, stamp: stamp)
  }

  /// - Returns: nil for an input on which the model fails. After a failed batch the model gets its inputs one by one,
  ///   so that one series cannot suppress the others.
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

  private func prediction(_ request: PredictionRequest, _ draft: Draft, _ model: LoadedModel) -> Prediction {
    let manifest = model.manifest
    var prediction = Prediction(
      predictionID: Self.id(request, manifest, draft.input.digest), series: request.name.series,
      kind: request.name.kind, model: manifest.name, modelVersion: manifest.version,
      modelKind: manifest.kind.rawValue, issuedAt: Timestamp(microseconds: request.observedAt) ?? .epoch,
      currency: draft.input.measure.currency, unit: draft.input.measure.unit, steps: [],
      inputDigest: draft.input.digest, flags: draft.input.flags.map(\.rawValue))
    switch (draft.input.decision, draft.output) {
    case (.withhold(let reason), _): prediction.withheld = reason.rawValue
    case (.ask, .withheld(let reason)): prediction.withheld = reason.rawValue
    case (.ask, nil): prediction.withheld = InputReason.modelFailed.rawValue
    case (.ask, .forecast(let forecast)):
      let steps = forecast.steps.enumerated().map { step($0.element, $0.offset + 1, request, model) }
      prediction.steps = steps.compactMap { $0 }
      if prediction.steps.count < steps.count || steps.isEmpty {
        prediction.steps = []
        prediction.withheld = InputReason.resultNotFinite.rawValue
      }
    }
    return prediction
  }

  /// - Returns: nil for a number that is not a finite decimal.
  private func step(
    _ step: Forecast.Step, _ number: Int, _ request: PredictionRequest, _ model: LoadedModel
  ) -> Prediction.Step? {
    let period = Int64(model.manifest.period) * 1_000_000
    guard let mean = ExactDecimal(rounding: step.mean),
      let target = Timestamp(microseconds: request.observedAt + Int64(number) * period),
      step.quantiles.count == model.quantiles.count
    else { return nil }
    var quantiles: [Prediction.Quantile] = []
    for (probability, value) in zip(model.quantiles, step.quantiles) {
      guard let value = ExactDecimal(rounding: value) else { return nil }
      quantiles.append(.init(probability: probability, value: value))
    }
    return Prediction.Step(step: Int64(number), targetAt: target, mean: mean, quantiles: quantiles)
  }

  /// 32 hexadecimal digits: the same for the same input, different for another one, such as a correction that is
  /// withdrawn when more points are known.
  private static func id(_ request: PredictionRequest, _ manifest: ModelManifest, _ digest: String) -> String {
    let parts = [
      request.name.series.text, request.name.kind.rawValue, manifest.name, manifest.version,
      "\(request.observedAt)", request.value.normalized.description, digest,
    ]
    return String(SHA256.hash(parts.joined(separator: "\n")).hex.prefix(32))
  }
}
