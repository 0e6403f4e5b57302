import Core
import Messages
import Values

/// What snapshots of the chain say.
extension FlowBook {
  package enum PageOutcome: Hashable, Sendable {
    case taken
    /// A later snapshot was there before.
    case tooOld
    /// The last page of a snapshot of which all pages came: so many contracts are gone.
    case completed(gone: Int)
  }

  /// Takes a page in.
  package mutating func take(_ page: OptionChain, _ rules: FlowRules) -> PageOutcome {
    guard page.day >= day else { return .tooOld }
    if page.day > day || page.knownNs > knownNs { isLiveChanged = true }
    (day, knownNs) = (page.day, max(knownNs, page.knownNs))
    var isNewOpenInterest = false
    for contract in page.contracts where contract.contract.utf8.count > 15 {
      let expiry = Self.expiry(of: contract.contract)
      let known = contracts[expiry]?[contract.contract]
      var state = known ?? ContractState(
        contract: contract.contract, shares: contract.multiplier, day: page.day, volume: 0, premium: 0, lean: 0,
        average: 0, averageDays: 0)
      guard state.day <= page.day else { continue }
      state.shares = contract.multiplier
      isNewOpenInterest = state.takeOpenInterest(contract) || isNewOpenInterest
      state.takeVolume(contract, page.day, page.knownNs, rules)
      guard state != known else { continue }
      contracts[expiry, default: [:]][contract.contract] = state
      changedExpiries.insert(expiry)
      judge(state, contract, page, rules)
    }
    // What was reported behind the first snapshot of the next day waits, too.
    if isNewOpenInterest || events.values.contains(where: { $0.status == .reported && $0.day < page.day }) {
      confirm(rules)
    }
    forgetEvents(before: page.day, rules)
    return complete(page)
  }

  private mutating func judge(
    _ state: ContractState, _ contract: OptionChain.Contract, _ page: OptionChain, _ rules: FlowRules
  ) {
    guard state.volume >= rules.minVolume, (contract.price ?? 0) >= rules.minPrice else { return }
    let volume = Double(state.volume)
    if let open = state.openInterest(before: state.day), open >= rules.minOpenInterest {
      let ratio = volume / Double(max(1, open))
      if ratio >= rules.volumeOI {
        report(
          .volumeOI, "volume/open interest>=\(rules.volumeOI), volume>=\(rules.minVolume), "
            + "open interest>=\(rules.minOpenInterest)",
          SignalValues(
            names: ["volume", "open_interest", "ratio"], numbers: [volume, Double(open), rounded(ratio, 1_000)]),
          state, page)
      }
    }
    if state.averageDays >= rules.averageDays, state.average > 0 {
      let ratio = volume / state.average
      if ratio >= rules.volumeAverage {
        report(
          .volumeAverage, "volume/average>=\(rules.volumeAverage), volume>=\(rules.minVolume), "
            + "days>=\(rules.averageDays)",
          SignalValues(
            names: ["volume", "average", "days", "ratio"],
            numbers: [volume, rounded(state.average, 100), Double(state.averageDays), rounded(ratio, 1_000)]),
          state, page)
      }
    }
  }

  /// Once a day when a rule first holds, and again whenever the volume has doubled since.
  private mutating func report(
    _ rule: OptionsFlow.Rule, _ condition: String, _ numbers: SignalValues, _ state: ContractState,
    _ page: OptionChain
  ) {
    let id = Self.eventID(feed, rule.rawValue, state.contract, state.day)
    let known = events[id]
    guard state.volume >= 2 * (known?.size ?? 0) else { return }
    let lean = state.premium > 0 ? state.lean / state.premium : 0
    put(OptionsFlow(
      eventID: id, underlying: underlying, feed: feed, rule: rule, condition: condition, numbers: numbers,
      contracts: [state.contract], side: abs(lean) < 0.1 ? .unknown : lean > 0 ? .buy : .sell,
      // One price stands for all the prints since the snapshot before.
      confidence: abs(lean) < 0.1 ? 0 : rounded(abs(lean) / 2, 100), premium: rounded(state.premium, 100),
      size: state.volume, prints: 0, exchanges: 0,
      price: rounded(state.premium / Double(max(1, state.volume * state.shares)), 10_000),
      firstNs: known?.firstNs ?? page.knownNs, lastNs: page.knownNs, knownNs: knownNs, day: state.day,
      openInterestBefore: state.openInterest(before: state.day)))
  }

  /// Compares the events of a day with the open interest at its end.
  private mutating func confirm(_ rules: FlowRules) {
    for event in events.values.sorted(by: { $0.eventID < $1.eventID }) where event.status == .reported {
      guard let before = event.openInterestBefore ?? openInterest(of: event.contracts, before: event.day),
        let after = openInterest(of: event.contracts, after: event.day)
      else { continue }
      var event = event
      (event.openInterestBefore, event.openInterestAfter) = (before, after)
      event.status = Double(after - before) >= rules.confirmShare * Double(event.size) ? .confirmed : .refuted
      put(event)
    }
  }

  private mutating func forgetEvents(before day: String, _ rules: FlowRules) {
    guard let today = CivilDate(day)?.daysSinceEpoch else { return }
    for (id, event) in events {
      guard let age = CivilDate(event.day).map({ today - $0.daysSinceEpoch }) else { continue }
      // What is decided can still be revised on its day and the next one.
      guard age > (event.status == .reported ? rules.confirmDays : 1), !changedEvents.contains(id) else { continue }
      if event.status == .reported { unverified += 1 }
      events[id] = nil
      isLiveChanged = true
    }
  }

  /// With the last page of a whole snapshot, contracts that are on none of its pages are gone.
  private mutating func complete(_ page: OptionChain) -> PageOutcome {
    if snapshot?.name != page.snapshot { snapshot = Snapshot(name: page.snapshot) }
    snapshot?.pages += 1
    snapshot?.names.formUnion(page.contracts.map(\.contract))
    guard page.page == page.of - 1, page.complete, let all = snapshot, all.pages == page.of else { return .taken }
    snapshot = nil
    var gone = 0
    for (expiry, list) in contracts {
      let kept = list.filter { all.names.contains($0.key) }
      guard kept.count != list.count else { continue }
      gone += list.count - kept.count
      contracts[expiry] = kept.isEmpty ? nil : kept
      changedExpiries.insert(expiry)
    }
    return .completed(gone: gone)
  }
}

extension OptionChain.Contract {
  /// Of the last print, or the middle of the quote.
  var price: Double? {
    if let last, last > .zero { return last.double }
    guard let bid, let ask, ask > .zero, ask >= bid else { return nil }
    return (bid.double + ask.double) / 2
  }
}

extension ContractState {
  /// - Returns: whether it is of a later day than what was known.
  mutating func takeOpenInterest(_ contract: OptionChain.Contract) -> Bool {
    guard let open = contract.openInterest.map({ Int64($0.double) }), let day = contract.openInterestDay else {
      return false
    }
    guard day > openInterestDay ?? "" else {
      if day == openInterestDay { openInterest = open }
      return false
    }
    if openInterestDay != nil { (before, beforeDay) = (openInterest, openInterestDay) }
    (openInterest, openInterestDay) = (open, day)
    return true
  }

  mutating func takeVolume(_ contract: OptionChain.Contract, _ today: String, _ knownNs: Int64, _ rules: FlowRules) {
    if day < today {
      averageDays = min(averageDays + 1, rules.averageMost)
      average += (Double(volume) - average) / Double(averageDays)
      (day, volume, premium, lean) = (today, 0, 0, 0)
    }
    guard let now = contract.volume.map({ Int64($0.double) }), now != volume else { return }
    if now > volume, let price = contract.price {
      let dollars = Double(now - volume) * price * Double(shares)
      let side = SideOfPrint(
        price: price, bid: contract.bid?.double, ask: contract.ask?.double,
        age: contract.quoteNs.flatMap { quote in contract.lastNs.map { max(0, $0 - quote) } }, stale: rules.staleQuote)
      premium += dollars
      lean += dollars * side.confidence * (side.side == .buy ? 1 : side.side == .sell ? -1 : 0)
    }
    // A smaller one says that prints were cancelled.
    volume = now
  }
}
