/// Functions of many numbers in place. The loops are plain arithmetic on single numbers, which the compiler turns into
/// vectors and which takes bearable time without optimization too.
package enum Elementwise {
  /// e^x, relative error below 2e-7, for x up to 88; what is below -87 is as -87.
  @inline(__always)
  private static func exponential(_ given: Float) -> Float {
    let x = given > -87 ? given : -87
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the lowest bits of the sum.
    let shifted: Float = x * 1.442_695_04 + 12_582_912
    let whole: Float = shifted - 12_582_912
    // ln 2 in two parts; the first has so few digits that its product is exact.
    let rest: Float = (x - whole * 0.693_359_375) + whole * 2.121_944_4e-4
    // Taylor series: for |rest| <= ln 2 / 2 the first omitted term is below 6e-9.
    var sum: Float = rest * (1.0 / 5_040) + (1.0 / 720)
    sum = sum * rest + (1.0 / 120)
    sum = sum * rest + (1.0 / 24)
    sum = sum * rest + (1.0 / 6)
    sum = sum * rest + 0.5
    sum = sum * rest + 1
    sum = sum * rest + 1
    return sum * Float(bitPattern: (shifted.bitPattern &- (0x4b40_0000 - 127)) &<< 23)
  }

  /// x -> x Φ(x), the Gaussian error linear unit (Hendrycks and Gimpel 2016); absolute error below 1e-6 |x|. Φ is that
  /// of Abramowitz and Stegun 7.1.26.
  package static func gelu(_ numbers: UnsafeMutablePointer<Float>, _ count: Int) {
    for index in 0..<count {
      let x = numbers[index]
      let z: Float = (x < 0 ? -x : x) * 0.707_106_781
      let t: Float = 1 / (1 + 0.327_591_1 * z)
      var sum: Float = 1.061_405_429 * t - 1.453_152_027
      sum = sum * t + 1.421_413_741
      sum = sum * t - 0.284_496_736
      sum = sum * t + 0.254_829_592
      // Φ(-|x|): of a positive x one minus it is taken.
      let tail: Float = 0.5 * sum * t * exponential(-z * z)
      numbers[index] = x * (x < 0 ? tail : 1 - tail)
    }
  }

  /// Each number's share of e^x in the sum of all.
  package static func softmax(_ numbers: UnsafeMutablePointer<Float>, _ count: Int) {
    guard count > 0 else { return }
    // Four, so that one comparison need not wait for the one before.
    var (a, b, c, d) = (numbers[0], numbers[0], numbers[0], numbers[0])
    var index = 0
    while index + 4 <= count {
      a = numbers[index] > a ? numbers[index] : a
      b = numbers[index + 1] > b ? numbers[index + 1] : b
      c = numbers[index + 2] > c ? numbers[index + 2] : c
      d = numbers[index + 3] > d ? numbers[index + 3] : d
      index += 4
    }
    var largest = max(max(a, b), max(c, d))
    while index < count {
      largest = numbers[index] > largest ? numbers[index] : largest
      index += 1
    }
    for index in 0..<count { numbers[index] = exponential(numbers[index] - largest) }
    let share = 1 / MatrixProduct.sumOfPositive(numbers, count)
    for index in 0..<count { numbers[index] *= share }
  }

  /// Rows to mean 0 and variance 1, then times `scale` plus `shift` (Ba et al. 2016).
  package static func normalize(
    _ rows: MatrixProduct.Rows, count: Int, width: Int, epsilon: Float, scale: UnsafePointer<Float>,
    shift: UnsafePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { ones in
      ones.initialize(repeating: 1)
      guard let one = ones.baseAddress else { return }
      for row in 0..<count {
        let numbers = rows.start + row * rows.stride
        let mean = MatrixProduct.dot(numbers, one, width) / Float(width)
        for index in 0..<width { numbers[index] -= mean }
        let variance = MatrixProduct.dot(numbers, numbers, width) / Float(width)
        let factor = 1 / (variance + epsilon).squareRoot()
        for index in 0..<width { numbers[index] = numbers[index] * factor * scale[index] + shift[index] }
      }
    }
  }
}
