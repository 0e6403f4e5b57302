/// A view of one array of a safetensors file, row by row.
package struct Tensor: Sendable {
  package enum Element: String, Sendable {
    case float = "F32"
    case double = "F64"

    var bytes: Int { self == .float ? 4 : 8 }
  }

  private let storage: [UInt8]
  private let start: Int
  private let element: Element
  package let shape: [Int]
  package let count: Int

  /// - Parameter range: of `bytes`; as long as `shape` needs.
  init(bytes: [UInt8], range: Range<Int>, element: Element, shape: [Int]) {
    precondition(range.count == shape.reduce(element.bytes, *) && range.upperBound <= bytes.count)
    storage = bytes
    start = range.lowerBound
    count = range.count / element.bytes
    self.element = element
    self.shape = shape
  }

  /// The number at a place, counted through all dimensions.
  package subscript(_ index: Int) -> Float {
    precondition(index >= 0 && index < count)
    // The header may have any length, so nothing is aligned.
    return storage.withUnsafeBytes { bytes in
      switch element {
      case .float:
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self)))
      case .double:
        Float(Double(bitPattern: UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8 * index, as: UInt64.self))))
      }
    }
  }

  package subscript(_ row: Int, _ column: Int) -> Float { self[row * shape[1] + column] }
}
