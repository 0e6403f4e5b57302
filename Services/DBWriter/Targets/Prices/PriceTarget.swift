import Postgres
import Schemas

/// `gogobe.products.ingest`: current prices, their history and end, products, and what each file did to the
/// prices.
package struct PriceTarget: WriteTarget {
  package let name = "prices"
  package let topics = [Topics.productsIngest]
  package let elements: String? = "items"
  package let staging = [PriceSQL.batches, PriceSQL.rows]

  package init() {}

  package func makeReader() -> any TargetReader { Reader() }

  package func merge(_ dialect: Dialect) -> [MergeStatement] {
    let partitions = dialect == .postgresql ? [PriceSQL.ensurePartitions] : []
    return partitions + [PriceSQL.full.note, PriceSQL.mergePrices, PriceSQL.full.end, PriceSQL.mergeProducts]
  }

  private final class Reader: TargetReader {
    private var decoder = ProductsIngestDecoder()

    func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure) {
      var visitor = PriceVisitor(&rows)
      defer { visitor.giveBack(to: &rows) }
      try decoder.decode(value, into: &visitor)
    }
  }
}
