import Kafka

/// A store without transactions where writing the same name twice has the effect of writing it once: an object store.
///
/// A *generation* is a contiguous range `first..<next` of one partition's offsets. Everything it writes carries
/// `first` in its name, and depends on the records of the range alone: the same range makes the same names with the
/// same bytes.
package protocol GenerationSink: Sendable {
  /// Collects the records of one generation.
  associatedtype Draft: GenerationDraft

  /// What names and bytes depend on besides the records, such as the layout; kept beside the range, so that a
  /// generation is repeated as it was begun, also when the settings have changed. No blanks, at most 100 bytes.
  func format(of partition: TopicPartition) -> String

  /// - Throws: class `configuration` when this build does not know the format.
  func draft(of partition: TopicPartition, from first: Int64, format: String) throws -> Draft

  /// Writes all of it. Called again with the same value after a transient failure.
  /// - Throws: `ClassifiedError`.
  func store(_ contents: Draft.Contents) async throws
}

/// The records of one generation, as they come. One task at a time calls it.
package protocol GenerationDraft {
  /// What is to be written.
  associatedtype Contents: Sendable

  /// Takes one record in. Synchronous: this is the hot path.
  /// - Throws: a data-class `ClassifiedError` is the same as `reject`.
  mutating func append(_ record: borrowing RecordBatch.Record) throws -> Disposition

  /// Memory it occupies, in bytes.
  var bytes: Int { get }
  /// What it will write, for the metrics: open objects.
  var outputs: Int { get }

  /// Hands over what was collected; the draft is not used afterwards. Nil when there is nothing to write.
  mutating func finish() -> Contents?
}

/// When a generation is closed: whichever comes first.
package struct GenerationPolicy: Sendable {
  /// Records of one generation.
  package var records: Int
  /// Memory of one generation.
  package var bytes: Int
  /// Age of one generation, from its first record.
  package var age: Duration
  /// Memory of all generations, open ones and those on their way; the largest are closed early to keep within it.
  package var budget: Int

  package init(records: Int, bytes: Int, age: Duration, budget: Int) {
    self.records = records
    self.bytes = bytes
    self.age = age
    self.budget = budget
  }
}
