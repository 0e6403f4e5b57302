extension MarketCatalogue {
  /// What a maker of cables in Egypt buys and what its prices follow: 20 materials in the 10 countries it buys from
  /// or sells to, and the energy that drives the price of resins.
  static let embeddedText = """
    countries:
      - {name: Egypt, region: mena, currency: EGP}
      - {name: Saudi Arabia, region: mena, currency: SAR}
      - {name: United Arab Emirates, region: mena, currency: AED}
      - {name: Jordan, region: mena, currency: JOD}
      - {name: Algeria, region: mena, currency: DZD}
      - {name: Turkey, region: europe, currency: TRY}
      - {name: Germany, region: europe, currency: EUR}
      - {name: Italy, region: europe, currency: EUR}
      - {name: India, region: asia, currency: INR}
      - {name: China, region: asia, currency: CNY}

    materials:
      # Insulation and sheath
      - {name: PVC, category: polymer, unit: t}
      - {name: XLPE, category: polymer, unit: t}
      - {name: LDPE, category: polymer, unit: t}
      - {name: HDPE, category: polymer, unit: t}
      - {name: Polypropylene, category: polymer, unit: t}
      - {name: EPDM, category: polymer, unit: t}
      - {name: LSZH Compound, category: polymer, unit: t}
      - {name: DOP Plasticizer, category: polymer, unit: t}
      # Foils, tapes and armour
      - {name: Aluminium Foil, category: shielding, unit: t}
      - {name: Copper Tape, category: shielding, unit: t}
      - {name: Mylar Tape, category: shielding, unit: kg}
      - {name: Mica Tape, category: shielding, unit: kg}
      - {name: Steel Tape, category: shielding, unit: t}
      - {name: Lead, category: shielding, unit: t}
      # Wires, braids and what is bought now and then
      - {name: Copper, category: screening, unit: t}
      - {name: Copper Wire, category: screening, unit: t}
      - {name: Tinned Copper Braid, category: screening, unit: kg}
      - {name: Aluminium Wire, category: screening, unit: t}
      - {name: Steel Wire, category: screening, unit: t}
      - {name: Semiconductive Tape, category: screening, unit: kg}
      # Of the world's market
      - {name: Brent, category: energy, unit: bbl, world: true, currency: USD}
      - {name: WTI, category: energy, unit: bbl, world: true, currency: USD}
      - {name: Natural Gas, category: energy, unit: mmbtu, world: true, currency: USD}
      - {name: Naphtha, category: energy, unit: t, world: true, currency: USD}

    sources:
      - name: Yahoo
        kind: yahoo
        url: https://query1.finance.yahoo.com
        tasks: [fetch_price]
        rate: 5/s
        symbols: {Brent: BZ=F, WTI: CL=F, Natural Gas: NG=F, Copper: HG=F, Aluminium Wire: ALI=F}
      - name: Alpha Vantage
        kind: alphavantage
        url: https://www.alphavantage.co
        tasks: [fetch_price]
        rate: 1/s
        token: env:ALPHAVANTAGE_API_KEY
        symbols: {Brent: BRENT, WTI: WTI, Natural Gas: NATURAL_GAS, Copper: COPPER, Aluminium Wire: ALUMINUM}

    schedules:
      - name: energy-hourly
        task: fetch_price
        materials: {category: energy}
        countries: world
        cron: "20 * * * *"
        zone: Africa/Cairo
        deadline: 2h
        missed: latest
      - name: polymers-hourly
        task: fetch_price
        materials: {category: polymer}
        cron: "0 * * * *"
        zone: Africa/Cairo
        deadline: 2h
        spread: 2m
      - name: shielding-hourly
        task: fetch_price
        materials: {category: shielding}
        cron: "0 * * * *"
        zone: Africa/Cairo
        deadline: 2h
        spread: 2m
      - name: screening-daily
        task: fetch_price
        materials: {category: screening}
        cron: "30 8 * * *"
        zone: Africa/Cairo
        deadline: 12h
        spread: 10m
      - name: screening-demand
        task: fetch_demand
        materials: {category: screening}
        cron: "15 * * * *"
        zone: Africa/Cairo
        deadline: 6h
        spread: 2m
    """
}
