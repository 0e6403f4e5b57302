/// What a published file holds.
package enum PriceFileKind: String, Hashable, Sendable, CaseIterable {
  case prices, promotions, stores
}
