import Values

/// A validated input: its newest `history` observations and their scales. Positions count from the oldest of them;
/// `count` is the first step of the forecast.
struct PreparedInput: Sendable {
  let values: ArraySlice<Double>
  let times: ArraySlice<Timestamp>
  let drivers: [ArraySlice<Double>]
  let scale: AffineScale
  let driverScales: [AffineScale]
  let seed: UInt64
  let group: String
  let period: Int
  let count: Int

  static func make(_ input: ModelInput, for manifest: ModelManifest) -> Result<PreparedInput, WithheldReason> {
    let count = manifest.history
    guard input.values.count >= count, input.times.count == input.values.count else {
      return .failure(.tooFewObservations)
    }
    guard input.drivers.count == manifest.drivers.count,
      input.drivers.allSatisfy({ $0.count == input.values.count })
    else { return .failure(.missingDriver) }
    let values = input.values.suffix(count)
    var smallest = Double.infinity
    for value in values {
      guard value.isFinite else { return .failure(.missingValue) }
      smallest = min(smallest, value)
    }
    if manifest.seriesKind == "demand", smallest < 0 { return .failure(.negativeDemand) }
    if manifest.target == .logChange, values[values.endIndex - 1] <= 0 { return .failure(.notPositive) }
    let drivers = input.drivers.map { $0.suffix(count) }
    var driverScales = [AffineScale](repeating: .identity, count: drivers.count)
    switch manifest.scaling {
    case .none, .standard: break
    case .windowMean, .windowStandard:
      for (index, driver) in drivers.enumerated() {
        driverScales[index] = AffineScale(manifest.scaling, driver)
        guard driverScales[index].scale.isFinite else { return .failure(.missingDriver) }
      }
    }
    let scale = AffineScale(manifest.scaling, values)
    guard scale.scale.isFinite, scale.offset.isFinite else { return .failure(.resultNotFinite) }
    return .success(PreparedInput(
      values: values, times: input.times.suffix(count), drivers: drivers, scale: scale, driverScales: driverScales,
      seed: input.seed, group: input.group, period: manifest.period, count: count))
  }

  /// An input that can be forecast, and its index among those that were given.
  struct Kept {
    var index: Int
    var input: PreparedInput
  }

  /// - Parameter outputs: receives the reasons of invalid inputs.
  static func fit(_ inputs: [ModelInput], to manifest: ModelManifest, _ outputs: inout [ModelOutput]) -> [Kept] {
    var kept: [Kept] = []
    kept.reserveCapacity(inputs.count)
    for (index, input) in inputs.enumerated() {
      switch make(input, for: manifest) {
      case .failure(let reason): outputs[index] = .withheld(reason)
      case .success(let prepared): kept.append(Kept(index: index, input: prepared))
      }
    }
    return kept
  }

  var last: Double { values[values.endIndex - 1] }

  func value(at place: Int) -> Double { values[values.startIndex + place] }

  /// The driver's value at a position; the last one for future positions.
  func driver(_ index: Int, at place: Int) -> Double {
    let driver = drivers[index]
    return driver[driver.startIndex + min(place, count - 1)]
  }

  /// The time of a position; future ones follow the last one by periods.
  func time(at place: Int) -> Timestamp {
    guard place >= count else { return times[times.startIndex + place] }
    let last = times[times.endIndex - 1]
    return Timestamp(microseconds: last.microseconds + Int64(place - count + 1) * Int64(period) * 1_000_000) ?? last
  }
}

extension WithheldReason: Error {}
