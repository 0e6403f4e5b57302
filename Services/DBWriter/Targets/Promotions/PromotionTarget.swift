import Postgres
import Schemas

/// `gogobe.promotions.ingest`: each store's promotions and the items they are about.
package struct PromotionTarget: WriteTarget {
  package let name = "promotions"
  package let topics = [Topics.promotionsIngest]
  package let elements: String? = "promotions"
  package let staging = [PromotionSQL.files, PromotionSQL.promotions, PromotionSQL.items]
  package let scratch = [PromotionSQL.forward]

  package init() {}

  package func makeReader() -> any TargetReader { Reader() }

  package func merge(_ dialect: Dialect) -> [MergeStatement] { PromotionSQL.merge }

  private final class Reader: TargetReader {
    private var decoder = PromotionsIngestDecoder()

    func read(_ value: RawSpan, into rows: inout MessageRows) throws(DecodingFailure) {
      var visitor = PromotionVisitor(&rows)
      defer { visitor.giveBack(to: &rows) }
      try decoder.decode(value, into: &visitor)
    }
  }
}
