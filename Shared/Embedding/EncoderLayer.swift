import Tensors

/// A layer of BERT: attention between the tokens of a text, then a network for each token.
struct EncoderLayer: Sendable {
  static let epsilon: Float = 1e-12

  private let shape: SentenceEncoder.Shape
  /// Queries, keys and values: `3 width` x `width`, and their biases. Queries are divided by the square root of a
  /// head's width.
  private let attention, attentionBias: FloatBuffer
  private let output, outputBias, outputScale, outputShift: FloatBuffer
  private let inner, innerBias: FloatBuffer
  private let outer, outerBias, outerScale, outerShift: FloatBuffer

  init(_ file: SafeTensors, _ number: Int, _ shape: SentenceEncoder.Shape) throws(TensorError) {
    self.shape = shape
    let prefix = "encoder.layer.\(number)"
    let (width, wide) = (shape.width, shape.inner)
    func buffer(_ name: String, _ shape: [Int]) throws(TensorError) -> FloatBuffer {
      try SentenceEncoder.buffer(file, "\(prefix).\(name)", shape)
    }
    attention = FloatBuffer(3 * width * width)
    attentionBias = FloatBuffer(3 * width)
    for (place, name) in ["query", "key", "value"].enumerated() {
      try file.tensor("\(prefix).attention.self.\(name).weight", [width, width])
        .copy(to: attention.start + place * width * width)
      try file.tensor("\(prefix).attention.self.\(name).bias", [width]).copy(to: attentionBias.start + place * width)
    }
    let factor = 1 / Float(width / shape.heads).squareRoot()
    for index in 0..<width * width { attention.start[index] *= factor }
    for index in 0..<width { attentionBias.start[index] *= factor }
    output = try buffer("attention.output.dense.weight", [width, width])
    outputBias = try buffer("attention.output.dense.bias", [width])
    outputScale = try buffer("attention.output.LayerNorm.weight", [width])
    outputShift = try buffer("attention.output.LayerNorm.bias", [width])
    inner = try buffer("intermediate.dense.weight", [wide, width])
    innerBias = try buffer("intermediate.dense.bias", [wide])
    outer = try buffer("output.dense.weight", [width, wide])
    outerBias = try buffer("output.dense.bias", [width])
    outerScale = try buffer("output.LayerNorm.weight", [width])
    outerShift = try buffer("output.LayerNorm.bias", [width])
  }

  /// - Parameter texts: the rows of each text.
  func run(_ work: EncoderWork, _ texts: [Range<Int>], count: Int) {
    let (width, wide) = (shape.width, shape.inner)
    let state = work.rows(of: work.state)
    let triple = MatrixProduct.Rows(work.attention.start, stride: 3 * width)
    let mixed = work.rows(of: work.mixed)
    Self.fill(triple, with: attentionBias, rows: count, width: 3 * width)
    Self.add(state, attention, into: triple, rows: count, inner: width, columns: 3 * width)
    for text in texts { attend(text, triple, into: mixed, work) }
    Self.add(outputBias, to: state, rows: count, width: width)
    Self.add(mixed, output, into: state, rows: count, inner: width, columns: width)
    Elementwise.normalize(
      state, count: count, width: width, epsilon: Self.epsilon, scale: outputScale.start, shift: outputShift.start)
    let hidden = MatrixProduct.Rows(work.hidden.start, stride: wide)
    Self.fill(hidden, with: innerBias, rows: count, width: wide)
    Self.add(state, inner, into: hidden, rows: count, inner: width, columns: wide)
    Elementwise.gelu(hidden.start, count * wide)
    Self.add(outerBias, to: state, rows: count, width: width)
    Self.add(hidden, outer, into: state, rows: count, inner: wide, columns: width)
    Elementwise.normalize(
      state, count: count, width: width, epsilon: Self.epsilon, scale: outerScale.start, shift: outerShift.start)
  }

  /// Each head on its own: every token's share of the values, by the product of its query with the keys.
  private func attend(
    _ text: Range<Int>, _ triple: MatrixProduct.Rows, into mixed: MatrixProduct.Rows, _ work: EncoderWork
  ) {
    let (width, length) = (shape.width, text.count)
    let part = width / shape.heads
    let shares = MatrixProduct.Rows(work.shares.start, stride: length)
    for head in 0..<shape.heads {
      let place = triple.start + text.lowerBound * triple.stride + head * part
      MatrixProduct.multiply(
        .init(place, stride: triple.stride), .init(place + width, stride: triple.stride), transposed: true,
        into: shares, adding: false, rows: length, inner: part, columns: length)
      for row in 0..<length { Elementwise.softmax(shares.start + row * length, length) }
      MatrixProduct.multiply(
        shares, .init(place + 2 * width, stride: triple.stride), transposed: false,
        into: .init(mixed.start + text.lowerBound * width + head * part, stride: width), adding: false, rows: length,
        inner: length, columns: part)
    }
  }

  /// `result += left W^T` with the weights of PyTorch's `nn.Linear`.
  private static func add(
    _ left: MatrixProduct.Rows, _ weights: FloatBuffer, into result: MatrixProduct.Rows, rows: Int, inner: Int,
    columns: Int
  ) {
    MatrixProduct.multiply(
      left, .init(weights.start, stride: inner), transposed: true, into: result, adding: true, rows: rows,
      inner: inner, columns: columns)
  }

  private static func fill(_ rows: MatrixProduct.Rows, with bias: FloatBuffer, rows count: Int, width: Int) {
    for row in 0..<count { (rows.start + row * width).update(from: bias.start, count: width) }
  }

  private static func add(_ bias: FloatBuffer, to rows: MatrixProduct.Rows, rows count: Int, width: Int) {
    for row in 0..<count {
      let place = rows.start + row * width
      for index in 0..<width { place[index] += bias.start[index] }
    }
  }
}

/// Working memory for some rows of tokens. For one thread at a time.
final class EncoderWork {
  let rows: Int
  private let width: Int
  let state, attention, mixed, hidden, shares: FloatBuffer

  init(_ shape: SentenceEncoder.Shape, rows: Int) {
    self.rows = rows
    width = shape.width
    state = FloatBuffer(rows * shape.width)
    attention = FloatBuffer(rows * 3 * shape.width)
    mixed = FloatBuffer(rows * shape.width)
    hidden = FloatBuffer(rows * shape.inner)
    // A text has no more tokens than there are positions.
    let longest = min(rows, shape.positions)
    shares = FloatBuffer(longest * longest)
  }

  func rows(of buffer: FloatBuffer) -> MatrixProduct.Rows { .init(buffer.start, stride: width) }
}
