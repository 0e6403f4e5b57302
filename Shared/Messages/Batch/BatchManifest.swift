/// What a dataset of the batch layer has after one run: the whole of it, and not only what the run changed.
///
/// `lake/<dataset>/manifests/<run>.json`, written once and never changed. A run takes the parts of the manifest before
/// it, puts its own in the place of those with the same date and symbol, and so makes the next. Which manifest holds is
/// said by ``BatchPointer``.
package struct BatchManifest: FieldwiseObject, Hashable {
  package var format: Int64 = 1
  package var dataset: String
  /// `bars/1`: what columns mean.
  package var schema: String
  package var run: String
  package var job: String
  package var kind: String
  /// Hash of the programs that made it, hexadecimal.
  package var code: String
  package var sequence: Int64
  /// The key of the manifest that it goes on from; nil of the first.
  package var previous: String?
  package var createdNs: Int64
  package var inputs: [Input] = []
  /// By date, then symbol.
  package var parts: [Part] = []
  /// By symbol.
  package var boundaries: [Boundary] = []

  /// What a run has read.
  package struct Input: Hashable, Sendable {
    package var dataset: String
    /// The manifest that it has read; nil of an archive's dataset.
    package var manifest: String?
    package var objects: Int64
    /// Over the names and hashes of the objects, hexadecimal.
    package var sha256: String
  }

  /// The rows of one symbol and date.
  package struct Part: Hashable, Sendable {
    /// Of the object with Parquet.
    package var key: String
    /// Of an object with the same rows as JSON Lines, gzip: each line is a message of the dataset's live topic.
    package var lines: String?
    /// `2025-01-20`, on the clocks of New York.
    package var date: String
    package var symbol: String
    package var rows: Int64
    /// Of the Parquet.
    package var bytes: Int64
    package var sha256: String
    package var linesSHA256: String?
    /// The times of its first and last row, nanoseconds since 1970.
    package var minNs: Int64
    package var maxNs: Int64
    package var run: String
  }

  /// From when to when the batch layer has everything that there is of a symbol.
  package struct Boundary: Hashable, Sendable {
    package var symbol: String
    /// Ascending, apart from each other. What is between two of them is a gap.
    package var covers: [Range]

    /// From here on the live layer answers: `T`. Rows that end after it are the live layer's.
    package var untilNs: Int64 { covers.last?.untilNs ?? .min }
  }

  /// From its begin on, its end excluded.
  package struct Range: Hashable, Sendable {
    package var fromNs: Int64
    package var untilNs: Int64
  }

  package static let blank = Self(
    dataset: "", schema: "", run: "", job: "", kind: "", code: "", sequence: 0, createdNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("format", &format)
    try coder.required("dataset", &dataset)
    try coder.required("schema", &schema)
    try coder.required("run", &run)
    try coder.required("job", &job)
    try coder.required("kind", &kind)
    try coder.required("code", &code)
    try coder.required("sequence", &sequence)
    try coder.field("previous", &previous)
    try coder.required("created_ns", &createdNs)
    try coder.field("inputs", &inputs)
    try coder.list("parts", &parts, isRequired: true)
    try coder.list("boundaries", &boundaries, isRequired: true)
  }
}

/// Says which manifest of a dataset holds: that of the highest sequence.
///
/// `lake/<dataset>/current/000000000012.json`. A writer makes the next number, on condition that there is none yet; of
/// two writers one is refused, reads the other's manifest and goes on from it. A numbered sequence and not one object
/// that is replaced by compare-and-set, since "write if there is none" is what folders, S3 and Azure all have, and
/// since a reader that pages through an answer can stay with the number that it began with.
package struct BatchPointer: FieldwiseObject, Hashable {
  package var sequence: Int64
  /// The key of the manifest.
  package var manifest: String
  /// Of the manifest's bytes, hexadecimal.
  package var sha256: String
  package var run: String

  package init(sequence: Int64, manifest: String, sha256: String, run: String) {
    (self.sequence, self.manifest, self.sha256, self.run) = (sequence, manifest, sha256, run)
  }

  package static let blank = Self(sequence: 0, manifest: "", sha256: "", run: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("sequence", &sequence)
    try coder.required("manifest", &manifest)
    try coder.required("sha256", &sha256)
    try coder.required("run", &run)
  }
}

extension BatchManifest.Input: FieldwiseObject {
  package static let blank = Self(dataset: "", objects: 0, sha256: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("dataset", &dataset)
    try coder.field("manifest", &manifest)
    try coder.field("objects", &objects)
    try coder.field("sha256", &sha256)
  }
}

extension BatchManifest.Part: FieldwiseObject {
  package static let blank = Self(
    key: "", date: "", symbol: "", rows: 0, bytes: 0, sha256: "", minNs: 0, maxNs: 0, run: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("key", &key)
    try coder.field("lines", &lines)
    try coder.required("date", &date)
    try coder.required("symbol", &symbol)
    try coder.required("rows", &rows)
    try coder.required("bytes", &bytes)
    try coder.required("sha256", &sha256)
    try coder.field("lines_sha256", &linesSHA256)
    try coder.required("min_ns", &minNs)
    try coder.required("max_ns", &maxNs)
    try coder.required("run", &run)
  }
}

extension BatchManifest.Boundary: FieldwiseObject {
  package static let blank = Self(symbol: "", covers: [])
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("symbol", &symbol)
    try coder.list("covers", &covers, isRequired: true)
  }
}

extension BatchManifest.Range: FieldwiseObject {
  package static let blank = Self(fromNs: 0, untilNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("from_ns", &fromNs)
    try coder.required("until_ns", &untilNs)
  }
}
