/// What a dataset of the batch layer has after one run: the whole of it, and not only what the run changed.
///
/// `lake/<dataset>/manifests/<run>.json`, written once and never changed. A run takes the parts of the manifest before
/// it, puts its own in the place of those with the same date and symbol, and so makes the next. Which manifest holds is
/// said by ``BatchPointer``.
package struct BatchManifest: FieldwiseObject, Hashable {
  package var format: Int64 = 1
  package var dataset: String
  package var schema: String
  package var run: String
  package var job: String
  package var kind: String
  package var code: String
  package var sequence: Int64
  package var previous: String?
  package var createdNs: Int64
  package var inputs: [Input] = []
  package var parts: [Part] = []
  package var boundaries: [Boundary] = []

  /// What a run has read.
  package struct Input: Hashable, Sendable {
    package var dataset: String
    package var manifest: String?
    package var objects: Int64
    package var sha256: String
  }

  /// The rows of one symbol and date.
  package struct Part: Hashable, Sendable {
    package var key: String
    package var lines: String?
    package var date: String
    package var symbol: String
    package var rows: Int64
    package var bytes: Int64
    package var sha256: String
    package var linesSHA256: String?
    package var minNs: Int64
    package var maxNs: Int64
    package var run: String
  }

  /// From when to when the batch layer has everything that there is of a symbol.
  package struct Boundary: Hashable, Sendable {
    package var symbol: String
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
    try coder.required("format", &format, "Version of the manifest's form")
    try coder.required("dataset", &dataset, "The dataset that the run published")
    try coder.required("schema", &schema, "What the columns mean: `bars/1`")
    try coder.required("run", &run, "The run that made it")
    try coder.required("job", &job, "The job that asked for the run")
    try coder.required("kind", &kind, "What was computed")
    try coder.required("code", &code, "Hash of the programs that made it, hexadecimal")
    try coder.required("sequence", &sequence, "Grows by 1 with each manifest of the dataset")
    try coder.field("previous", &previous, "Key of the manifest that it goes on from; null of the first")
    try coder.required("created_ns", &createdNs, "When it was made [ns since 1970]")
    try coder.field("inputs", &inputs, "What the run has read")
    try coder.list("parts", &parts, "The objects of the dataset, by date, then symbol", isRequired: true)
    try coder.list("boundaries", &boundaries, "From where on the live layer answers, by symbol", isRequired: true)
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
  package var manifest: String
  package var sha256: String
  package var run: String

  package init(sequence: Int64, manifest: String, sha256: String, run: String) {
    (self.sequence, self.manifest, self.sha256, self.run) = (sequence, manifest, sha256, run)
  }

  package static let blank = Self(sequence: 0, manifest: "", sha256: "", run: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("sequence", &sequence, "The number of the dataset's newest manifest")
    try coder.required("manifest", &manifest, "Key of that manifest")
    try coder.required("sha256", &sha256, "Of the manifest's bytes, hexadecimal")
    try coder.required("run", &run, "The run that made it")
  }
}

extension BatchManifest.Input: FieldwiseObject {
  package static let blank = Self(dataset: "", objects: 0, sha256: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("dataset", &dataset, "The dataset that was read")
    try coder.field("manifest", &manifest, "Key of the manifest that was read; null of a dataset of the archive")
    try coder.field("objects", &objects, "How many objects were read")
    try coder.field("sha256", &sha256, "Over the names and hashes of those objects, hexadecimal")
  }
}

extension BatchManifest.Part: FieldwiseObject {
  package static let blank = Self(
    key: "", date: "", symbol: "", rows: 0, bytes: 0, sha256: "", minNs: 0, maxNs: 0, run: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("key", &key, "Key of the object with Parquet")
    try coder.field(
      "lines", &lines,
      "Key of an object with the same rows as JSON Lines, gzip; each line is a message of the live topic")
    try coder.required("date", &date, "Day in New York: `2025-01-20`")
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.required("rows", &rows, "Rows of the part")
    try coder.required("bytes", &bytes, "Size of the Parquet [bytes]")
    try coder.required("sha256", &sha256, "Of the Parquet, hexadecimal")
    try coder.field("lines_sha256", &linesSHA256, "Of the JSON Lines, hexadecimal")
    try coder.required("min_ns", &minNs, "Time of the first row [ns since 1970]")
    try coder.required("max_ns", &maxNs, "Time of the last row [ns since 1970]")
    try coder.required("run", &run, "The run that computed it")
  }
}

extension BatchManifest.Boundary: FieldwiseObject {
  package static let blank = Self(symbol: "", covers: [])
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("symbol", &symbol, "The canonical symbol")
    try coder.list(
      "covers", &covers,
      "The times that the rows cover, ascending and apart; between two of them is a gap", isRequired: true)
  }
}

extension BatchManifest.Range: FieldwiseObject {
  package static let blank = Self(fromNs: 0, untilNs: 0)
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("from_ns", &fromNs, "Beginning of the time [ns since 1970]")
    try coder.required(
      "until_ns", &untilNs, "End of the time; behind the last one the live layer answers [ns since 1970]")
  }
}
