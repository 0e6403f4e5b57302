import Messages

/// What a dataset has, by date: the part of the catalogue that is read first.
package struct ArchiveIndex: FieldwiseObject, Hashable {
  package var dataset: String
  /// First folders of its objects.
  package var prefix: String
  /// In ascending order.
  package var dates: [ArchiveDate]

  package init(dataset: String, prefix: String, dates: [ArchiveDate] = []) {
    self.dataset = dataset
    self.prefix = prefix
    self.dates = dates
  }

  package static let blank = Self(dataset: "", prefix: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("dataset", &dataset)
    try coder.required("prefix", &prefix)
    try coder.list("dates", &dates, isRequired: true)
  }

  /// Puts the sums of a date in the place of those it has.
  package mutating func put(_ date: ArchiveDate) {
    let place = dates.firstIndex { $0.date >= date.date } ?? dates.count
    if place < dates.count, dates[place].date == date.date {
      dates[place] = date
    } else {
      dates.insert(date, at: place)
    }
  }

  package var objects: Int64 { dates.reduce(0) { $0 + $1.objects } }
  package var bytes: Int64 { dates.reduce(0) { $0 + $1.bytes } }
  /// Those that are known.
  package var rows: Int64 { dates.reduce(0) { $0 + $1.rows } }
  package var tiers: [String: Int64] { dates.reduce(into: [:]) { $0.merge($1.tiers, uniquingKeysWith: +) } }
}

/// One date of a dataset.
package struct ArchiveDate: FieldwiseObject, Hashable {
  package var date: String
  package var objects: Int64 = 0
  package var bytes: Int64 = 0
  /// Those that are known.
  package var rows: Int64 = 0
  /// Nanoseconds since 1970; nil where no object's are known.
  package var fromNs: Int64?
  package var toNs: Int64?
  /// Objects by tier; `default` is the tier of new objects.
  package var tiers: [String: Int64] = [:]

  package init(date: String, _ entries: [CatalogueEntry] = []) {
    self.date = date
    for entry in entries {
      objects += 1
      bytes += entry.bytes
      rows += entry.rows ?? 0
      if let from = entry.fromNs { fromNs = min(fromNs ?? from, from) }
      if let to = entry.toNs { toNs = max(toNs ?? to, to) }
      tiers[entry.tier ?? Self.newTier, default: 0] += 1
    }
  }

  package static let newTier = "default"
  package static let blank = Self(date: "")
  package static let fields = ObjectFields(blank)

  package mutating func visit(_ coder: inout FieldCoder) throws(DecodingFailure) {
    try coder.required("date", &date)
    try coder.field("objects", &objects)
    try coder.field("bytes", &bytes)
    try coder.field("rows", &rows)
    try coder.field("from_ns", &fromNs)
    try coder.field("to_ns", &toNs)
    try coder.field("tiers", &tiers)
  }
}
