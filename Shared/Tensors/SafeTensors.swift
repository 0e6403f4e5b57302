import CBLAS
import Core
import Foundation

/// Named arrays of numbers in one file, in the safetensors format (https://huggingface.co/docs/safetensors): eight
/// bytes with the length of a JSON header, little-endian; the header, `{"name": {"dtype": "F32", "shape": [256, 64],
/// "data_offsets": [0, 65536]}, ...}`; then the numbers, without gaps.
///
/// The whole header is checked before a number is read, so that no file causes a read beyond its end. A ``Tensor`` is a
/// view; the numbers are not copied.
package struct SafeTensors: Sendable {
  package enum Limit {
    /// Bytes.
    package static let header = 1 << 20
    package static let tensors = 4_096
    package static let dimensions = 8
  }

  private let bytes: [UInt8]
  private let places: [String: Place]

  private struct Place: Sendable {
    var type: Tensor.Element
    var shape: [Int]
    var range: Range<Int>
  }

  private struct Entry: Decodable {
    var dtype: String
    var shape: [Int]
    var data_offsets: [Int]
  }

  /// - Throws: `TensorError` that says what is wrong.
  package init(_ bytes: [UInt8]) throws(TensorError) {
    guard bytes.count >= 8 else { throw Self.bad("has \(bytes.count) bytes; a header alone has more") }
    let length = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    guard length >= 2, length <= Limit.header, Int(length) <= bytes.count - 8 else {
      throw Self.bad("says that its header has \(length) bytes; the limit is \(Limit.header), and it has to be there")
    }
    let start = 8 + Int(length)
    guard bytes[8] == UInt8(ascii: "{") else { throw Self.bad("does not begin with a JSON object") }
    var places: [String: Place] = [:]
    for (name, entry) in try Self.entries(Data(bytes[8..<start])) {
      places[name] = try Self.place(name, entry, start: start, end: bytes.count)
    }
    try Self.requireNoGaps(places.values.map(\.range), start: start, end: bytes.count)
    self.bytes = bytes
    self.places = places
  }

  private static func entries(_ header: Data) throws(TensorError) -> [String: Entry] {
    let object: Any
    do { object = try JSONSerialization.jsonObject(with: header) } catch { throw bad("has a header that is not JSON") }
    guard let object = object as? [String: Any] else { throw bad("has a header that is no JSON object") }
    guard object.count <= Limit.tensors else { throw bad("has \(object.count) tensors; the limit is \(Limit.tensors)") }
    var entries: [String: Entry] = [:]
    for (name, value) in object where name != "__metadata__" {
      do {
        guard let fields = value as? [String: Any] else { throw bad("has something else than a tensor in its header") }
        entries[name] = try JSONDecoder().decode(Entry.self, from: JSONSerialization.data(withJSONObject: fields))
      } catch {
        throw bad("has no dtype, shape and data_offsets for '\(name.prefix(100))'")
      }
    }
    return entries
  }

  private static func place(_ name: String, _ entry: Entry, start: Int, end: Int) throws(TensorError) -> Place {
    let label = "'\(name.prefix(100))'"
    guard let type = Tensor.Element(rawValue: entry.dtype) else {
      throw bad("holds \(label) as \(entry.dtype.prefix(20)); F32, F64 and I64 are read")
    }
    guard entry.shape.count <= Limit.dimensions, entry.shape.allSatisfy({ $0 >= 0 }) else {
      throw bad("gives \(label) an impossible shape")
    }
    var size = type.bytes
    for dimension in entry.shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw bad("gives \(label) an impossible shape") }
      size = product
    }
    guard entry.data_offsets.count == 2, entry.data_offsets[0] >= 0,
      entry.data_offsets[0] <= entry.data_offsets[1], entry.data_offsets[1] <= end - start
    else { throw bad("places \(label) outside the file") }
    let range = start + entry.data_offsets[0]..<start + entry.data_offsets[1]
    guard range.count == size else { throw bad("has \(range.count) bytes for \(label), whose shape needs \(size)") }
    return Place(type: type, shape: entry.shape, range: range)
  }

  /// In this format every byte belongs to one tensor: overlaps and gaps are forgery or damage.
  private static func requireNoGaps(_ ranges: [Range<Int>], start: Int, end: Int) throws(TensorError) {
    var next = start
    for range in ranges.filter({ !$0.isEmpty }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      guard range.lowerBound == next else { throw bad("has tensors that overlap, or bytes between them") }
      next = range.upperBound
    }
    guard next == end else { throw bad("has \(end - next) bytes after its last tensor") }
  }

  package var names: [String] { places.keys.sorted() }

  /// - Parameter shape: the expected shape.
  /// - Throws: `TensorError` when the tensor is missing, has another shape, or holds a number
  ///   that is not finite.
  package func tensor(_ name: String, _ shape: [Int]) throws(TensorError) -> Tensor {
    guard let place = places[name] else {
      throw Self.bad("has no tensor '\(name)'; it has \(names.prefix(20).joined(separator: ", "))")
    }
    guard place.shape == shape else { throw Self.bad("has '\(name)' of shape \(place.shape), not \(shape)") }
    let tensor = Tensor(bytes: bytes, range: place.range, element: place.type, shape: place.shape)
    guard tensor.isFinite else {
      throw Self.bad("has a number in '\(name)' that is not finite")
    }
    return tensor
  }

  private static func bad(_ what: String) -> TensorError {
    TensorError(.badWeights, "the safetensors file \(what)")
  }
}

/// A view of one array of a safetensors file, row-major.
package struct Tensor: Sendable {
  package enum Element: String, Sendable {
    case float = "F32"
    case double = "F64"
    case whole = "I64"

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

  /// The number at an index through all dimensions.
  package subscript(_ index: Int) -> Float {
    precondition(index >= 0 && index < count)
    // The header may have any length, so the numbers are unaligned.
    return storage.withUnsafeBytes { bytes in
      switch element {
      case .float:
        Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 4 * index, as: UInt32.self)))
      case .double:
        Float(Double(bitPattern: UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8 * index, as: UInt64.self))))
      case .whole:
        Float(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8 * index, as: Int64.self)))
      }
    }
  }

  package subscript(_ row: Int, _ column: Int) -> Float { self[row * shape[1] + column] }

  /// All numbers, row-major.
  /// - Parameter place: room for `count` numbers.
  package func copy(to place: UnsafeMutablePointer<Float>) { copy(0..<count, to: place) }

  private func copy(_ range: Range<Int>, to place: UnsafeMutablePointer<Float>) {
    switch element {
    case .float:
      storage.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(start: place, count: 4 * range.count)
          .copyMemory(from: UnsafeRawBufferPointer(
            rebasing: bytes[(start + 4 * range.lowerBound)..<(start + 4 * range.upperBound)]))
      }
    case .double, .whole: for index in range { place[index - range.lowerBound] = self[index] }
    }
  }

  /// Whether every number is one: the sum of absolute values of others is none. It is computed in pieces, of which
  /// only one with numbers near the largest could exceed it.
  var isFinite: Bool {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 4_096) { piece in
      guard let place = piece.baseAddress else { return false }
      for first in Swift.stride(from: 0, to: count, by: 4_096) {
        let range = first..<min(first + 4_096, count)
        copy(range, to: place)
        guard !cblas_sasum(blasint(range.count), place, 1).isFinite else { continue }
        if !piece[..<range.count].allSatisfy(\.isFinite) { return false }
      }
      return true
    }
  }
}

package typealias TensorError = CodedError<TensorErrorKind>

package enum TensorErrorKind: String, ErrorKind {
  /// A file of weights is damaged, or has other tensors than are expected.
  case badWeights = "model_weights_bad"

  package var errorClass: ErrorClass { .configuration }
}
