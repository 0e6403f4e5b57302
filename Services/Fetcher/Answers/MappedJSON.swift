import Commodities
import Core
import CSV
import Messages
import Values

/// Quotes from JSON of any shape, by a mapping.
struct MappedJSON {
  let mapping: ResponseMapping
  let zone: ZoneTable?

  func quotes(_ tree: JSONTree, _ slot: (TextTemplate.Slot) -> String) throws(FetchError) -> Quotes {
    let rows: [JSONTree]
    if let path = mapping.rows {
      guard let found = tree[path]?.items else { throw .unreadable("there is no list at the path of the rows") }
      rows = found
    } else {
      rows = [tree]
    }
    let conditions = mapping.conditions.map { (path: $0.field.path, text: $0.value.filled(slot)) }
    var quotes = Quotes()
    for row in rows where conditions.allSatisfy({ row[$0.path]?.text == $0.text }) {
      // Currency and unit may appear once, beside the rows.
      func text(_ field: ResponseMapping.Field?) -> String? {
        field.flatMap { row[$0.path]?.text ?? tree[$0.path]?.text }
      }
      guard let value = row[mapping.value.path], value != .null, value.text.map(CSVNumbers.isAbsent) != true else {
        continue
      }
      guard let at = row[mapping.time.path]?.text.flatMap({ QuoteText.time($0, in: zone) }) else {
        quotes.lose("a row has no readable time")
        continue
      }
      guard let number = value.text.flatMap({ ExactDecimal(approximating: $0) }),
        let quote = Quote(
          value: number, observedAt: at, currency: text(mapping.currency), unit: text(mapping.unit)).inWholeUnits
      else {
        quotes.lose("a value is not a finite number")
        continue
      }
      quotes.add(quote)
    }
    return quotes
  }
}

extension JSONTree {
  /// nil without a value at the path.
  package subscript(_ path: ValuePath) -> JSONTree? {
    var tree = self
    for step in path.steps {
      switch (step, tree) {
      case (.name(let name), .object(let fields)):
        guard let next = fields[name] else { return nil }
        tree = next
      case (.place(let place), .array(let items)):
        let index = place < 0 ? items.count + place : place
        guard items.indices.contains(index) else { return nil }
        tree = items[index]
      default: return nil
      }
    }
    return tree
  }
}
