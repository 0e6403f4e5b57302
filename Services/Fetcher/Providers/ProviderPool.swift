import Commodities
import Core
import Messages
import Metrics
import Redis
import Values

/// All providers; tries them in order until one has a good answer.
package struct ProviderPool: Sendable {
  package struct Answer: Sendable {
    package var quote: Quote
    package var source: String
    /// As in `CommodityObservation`.
    package var flags: [String]
  }

  package let providers: [Provider]
  /// The largest factor between two prices; 0: no check.
  private let maxChange: Int
  private let failovers = Counter(label: "souk_fetch_failovers_total")
  private let jumps = Counter(label: "souk_fetch_jumps_total")

  package init(_ providers: [Provider], maxChange: Int) {
    self.providers = providers
    self.maxChange = maxChange
  }

  /// False while no provider is trusted.
  package var isTrusted: Bool { providers.contains(where: \.isTrusted) }

  /// - Parameter last: the last published state of the series. A price far from it is taken only when no other provider
  ///   has a nearer one, and flagged.
  /// - Throws: `FetchError`: about the job when no provider can answer it, about its time when a value may still
  ///   appear, `providersDown` when one failed otherwise; `RedisError`, `Expired`, `CancellationError`.
  package func ask(_ job: FetchJob, last: SeriesState?) async throws -> Answer {
    var failures: [(source: String, error: any ClassifiedError)] = []
    var doubtful: Answer?
    for (place, index) in job.sources.enumerated() {
      let provider = providers[index]
      do {
        let answer = try await provider.ask(job)
        var named = Answer(quote: answer.chosen.quote, source: provider.source.name, flags: answer.flags)
        let isFirstChoice = place == 0 && job.task.source.map { $0 == provider.source.name } ?? true
        if !isFirstChoice { named.flags.append("failed_over") }
        if answer.isCached { named.flags.append("cached") }
        if answer.chosen.isLate { named.flags.append("late") }
        if job.kind == .price, named.quote.value <= .zero { named.flags.append("not_positive") }
        // An older price than the last published one does not replace a doubtful one.
        if doubtful != nil, let last, named.quote.observedAt < last.observedAt { continue }
        guard job.kind == .price, QuoteChoice.isJump(from: last, to: named.quote, factor: maxChange) else {
          if place > 0 { failovers.increment() }
          return named
        }
        jumps.increment()
        named.flags.append("jump")
        doubtful = doubtful ?? named
      } catch let error as RedisError {
        throw error
      } catch let error as any ClassifiedError where error.errorClass != .fatal {
        failures.append((provider.source.name, error))
      }
    }
    // No provider contradicts the doubtful price: the market may have moved.
    if let doubtful { return doubtful }
    throw Self.failure(of: failures)
  }

  /// The error when no provider has a good answer: about the job alone only if all errors are.
  private static func failure(of failures: [(source: String, error: any ClassifiedError)]) -> FetchError {
    let kinds = failures.compactMap { $0.error as? FetchError }
    if kinds.count == failures.count, kinds.allSatisfy({ $0.kind.subject != .provider }) {
      if kinds.contains(where: { $0.kind.subject == .time }) {
        return FetchError(.noValue, "no provider has a value yet: \(details(failures))", retryAfter: .seconds(60))
      }
      let kind = kinds.first { $0.kind != .symbolUnknown }?.kind ?? .symbolUnknown
      return FetchError(kind, details(failures))
    }
    return FetchError(
      .providersDown, "no provider has a good answer: \(summary(failures))",
      retryAfter: failures.compactMap(\.error.retryAfter).min())
  }

  private static func details(_ failures: [(source: String, error: any ClassifiedError)]) -> String {
    failures.map { "\($0.source): \($0.error)" }.joined(separator: "; ")
  }

  private static func summary(_ failures: [(source: String, error: any ClassifiedError)]) -> String {
    failures.map { "\($0.source): \($0.error.code)" }.joined(separator: ", ")
  }
}
