import Archiving
import Messages

/// A row of what a command prints: JSON by its fields.
typealias FieldwiseRow = FieldwiseObject

/// A dataset in one line.
struct DatasetSum: FieldwiseObject {
  var dataset: String
  var prefix: String
  /// The first and the last date.
  var from: String?
  var to: String?
  var objects: Int64
  var rows: Int64
  var bytes: Int64
  var tiers: [String: Int64]

  init(_ index: ArchiveIndex) {
    (dataset, prefix) = (index.dataset, index.prefix)
    (from, to) = (index.dates.first?.date, index.dates.last?.date)
    (objects, rows, bytes, tiers) = (index.objects, index.rows, index.bytes, index.tiers)
  }

  static let blank = Self(ArchiveIndex(dataset: "", prefix: ""))
  static let fields = ObjectFields(blank)

  mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("dataset", &dataset)
    try coder.required("prefix", &prefix)
    try coder.field("from", &from)
    try coder.field("to", &to)
    try coder.field("objects", &objects)
    try coder.field("rows", &rows)
    try coder.field("bytes", &bytes)
    try coder.field("tiers", &tiers)
  }
}
