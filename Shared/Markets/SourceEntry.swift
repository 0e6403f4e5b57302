/// A provider as the catalogue has it: its name is known here, the rest is read by whoever asks it.
package struct SourceEntry: Hashable, Sendable {
  package var name: String
  /// A mapping.
  package var value: CatalogueValue
  /// The file, for errors.
  package var origin: String
}
