/// The size of a recurrent network. Its tensors are named as PyTorch names them: `lstm.weight_ih_l0`,
/// `lstm.weight_hh_l0`, `lstm.bias_ih_l0`, `lstm.bias_hh_l0`, ..., `head.weight`, `head.bias`.
package struct NetworkShape: Codable, Hashable, Sendable {
  package var layers: Int
  /// Cells of each layer.
  package var hidden: Int
  /// Periods that the network reads before it answers.
  package var context: Int
  /// DeepAR's distribution; nil for LSTM.
  package var head: DistributionKind?
  /// DeepAR's sample paths; nil for LSTM.
  package var samples: Int?

  package init(layers: Int, hidden: Int, context: Int, head: DistributionKind? = nil, samples: Int? = nil) {
    self.layers = layers
    self.hidden = hidden
    self.context = context
    self.head = head
    self.samples = samples
  }
}

/// The distribution that DeepAR gives each step.
package enum DistributionKind: String, CaseIterable, Codable, Hashable, Sendable {
  case gaussian
  case studentT = "student_t"
  case negativeBinomial = "negative_binomial"

  /// Numbers that the network's head has to give.
  package var parameterCount: Int { self == .studentT ? 3 : 2 }
}

/// How fast the averages of Croston, SBA and TSB follow; each above 0, at most 1.
package struct Smoothing: Codable, Hashable, Sendable {
  /// Of the sizes of demand.
  package var size: Double
  /// Of the intervals between demands (Croston, SBA), or of the probability of demand (TSB).
  package var interval: Double

  package init(size: Double, interval: Double) {
    self.size = size
    self.interval = interval
  }
}
