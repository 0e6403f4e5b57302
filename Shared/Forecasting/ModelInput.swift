import Schemas

/// What a model is given of one series: the newest `manifest.history` observations or more, at equal distances.
package struct ModelInput: Hashable, Sendable {
  /// Oldest first, in the unit of the series; a missing one is not a number, and withholds the forecast.
  package var values: [Double]
  /// When each of `values` was observed; as many, ascending. The steps of the forecast follow the last one, each
  /// `manifest.period` later.
  package var times: [Timestamp]
  /// A row for each of `manifest.drivers`, in that order; each as long as `values`: the driver's latest value as of
  /// each time.
  package var drivers: [[Double]]
  /// Where sampling begins. Made from the input's digest, so that the same input has the same samples.
  package var seed: UInt64

  /// What `manifest.groupResiduals` knows the series by: its material.
  package var group: String

  package init(values: [Double], times: [Timestamp], drivers: [[Double]] = [], seed: UInt64 = 0, group: String = "") {
    self.values = values
    self.times = times
    self.drivers = drivers
    self.seed = seed
    self.group = group
  }
}
