extension Lexicon {
  /// The words of headlines about companies, and the general ones that they need: what is there without any file.
  ///
  /// Version 2 has the words and emoji of posts, too.
  ///
  /// Written for this project: each word is rated from -4 to 4 by what it says of the company that it is about. Words
  /// that say nothing in a headline (`share`, `growth stock`, `gross`) are left out.
  package static let finance = Lexicon(name: "finance-2", Dictionary(
    ratings.flatMap { rating in rating.words.split { $0 == " " || $0 == "\n" }.map { (String($0), rating.valence) } },
    uniquingKeysWith: { first, _ in first }), emoji: emojiWords)

  /// What people mean by an emoji in a post about a company.
  private static let emojiWords = [
    "🚀": "soaring", "📈": "rising", "📉": "falling", "🐂": "bullish", "🐻": "bearish", "🤑": "profit",
    "🎉": "success", "😱": "fear", "💥": "crash", "🩸": "losses", "👍": "good", "👎": "bad",
  ]

  private static let ratings: [(valence: Double, words: String)] = [
    (3, """
      soar soars soared soaring skyrocket skyrockets skyrocketed blowout breakthrough stellar triumph blockbuster
      mooning moonshot
      """),
    (2.5, """
      surge surges surged surging outperform outperforms outperformed outperforming boom booms booming record-high
      excellent outstanding thrive thrives thriving windfall
      """),
    (2, """
      beat beats beaten rally rallies rallied rallying jump jumps jumped jumping upgrade upgrades upgraded bullish
      exceed exceeds exceeded exceeding profitable win wins won winning winner approval approved approves strong
      stronger strongest robust success successful tops topped topping great love loved
      """),
    (1.5, """
      gain gains gained gaining climb climbs climbed climbing rise rises rose rising boost boosts boosted boosting
      profit profits grow grows grew growing growth expand expands expanded expansion rebound rebounds rebounded
      recover recovers recovered recovery optimistic optimism confident confidence improve improves improved improving
      improvement upbeat dividend buyback raises outpace outpaces outpaced innovative breakout good better best
      accelerate accelerates accelerated benefit benefits benefited
      """),
    (1, """
      advance advances advanced higher up upside opportunity opportunities partnership support supports supported
      resilient resilience steady solid win-win secure secures secured launch launches launched lead leads leading
      """),
    (-1, """
      lower down dip dips dipped slip slips slipped slipping ease eases eased caution cautious mixed delay delays
      delayed volatile volatility uncertain uncertainty pressure pressured challenge challenges challenging
      """),
    (-1.5, """
      fall falls fell falling decline declines declined declining drop drops dropped dropping lose loses losing slow
      slows slowed slowing slowdown weak weaker weakest weakness concern concerns concerned worry worries worried
      halt halts halted suspend suspends suspended cut cuts cutting warn warns warned warning risk risks risky debt
      underperform underperforms underperformed disappoint disappoints disappointed disappointing disappointment
      pessimistic headwind headwinds bad worse probe probes probed bagholder bagholders overvalued
      """),
    (-2, """
      loss losses miss misses missed downgrade downgrades downgraded bearish slump slumps slumped slumping tumble
      tumbles tumbled tumbling sink sinks sank sinking slide slides slid sliding layoff layoffs lawsuit lawsuits sue
      sues sued recall recalls recalled fine fined fines penalty penalties investigation investigations shortfall
      deficit writedown write-down impairment breach breaches hack hacked resign resigns resigned worst fear fears
      fail fails failed failing failure rekt scam dumped dumping
      """),
    (-2.5, """
      plunge plunges plunged plunging plummet plummets plummeted plummeting crash crashes crashed crashing scandal
      crisis turmoil delist delisted delisting selloff sell-off meltdown collapse collapses collapsed collapsing
      """),
    (-3, """
      fraud fraudulent bankrupt bankruptcy default defaults defaulted insolvent insolvency indicted indictment
      catastrophe catastrophic disaster disastrous
      """),
  ]
}
