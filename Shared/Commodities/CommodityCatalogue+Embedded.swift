extension CommodityCatalogue {
  /// What a cable manufacturer in Egypt buys and what its prices follow: 20 materials in the 10 countries it trades
  /// with, and the energy that drives the price of resins.
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
      - {name: PVC, category: polymer, unit: t, positive: true}
      - {name: XLPE, category: polymer, unit: t, positive: true}
      - {name: LDPE, category: polymer, unit: t, positive: true}
      - {name: HDPE, category: polymer, unit: t, positive: true}
      - {name: Polypropylene, category: polymer, unit: t, positive: true}
      - {name: EPDM, category: polymer, unit: t, positive: true}
      - {name: LSZH Compound, category: polymer, unit: t, positive: true}
      - {name: DOP Plasticizer, category: polymer, unit: t, positive: true}
      # Foils, tapes and armour
      - {name: Aluminium Foil, category: shielding, unit: t, positive: true}
      - {name: Copper Tape, category: shielding, unit: t, positive: true}
      - {name: Mylar Tape, category: shielding, unit: kg, positive: true}
      - {name: Mica Tape, category: shielding, unit: kg, positive: true}
      - {name: Steel Tape, category: shielding, unit: t, positive: true}
      - {name: Lead, category: shielding, unit: t, positive: true}
      # Wires, braids and what is bought now and then
      - {name: Copper, category: screening, unit: t, positive: true}
      - {name: Copper Wire, category: screening, unit: t, positive: true}
      - {name: Tinned Copper Braid, category: screening, unit: kg, positive: true}
      - {name: Aluminium Wire, category: screening, unit: t, positive: true}
      - {name: Steel Wire, category: screening, unit: t, positive: true}
      - {name: Semiconductive Tape, category: screening, unit: kg, positive: true}
      # Of the world's market
      - {name: Brent, category: energy, unit: bbl, world: true, currency: USD}
      - {name: WTI, category: energy, unit: bbl, world: true, currency: USD}
      - {name: Natural Gas, category: energy, unit: mmbtu, world: true, currency: USD}
      - {name: Naphtha, category: energy, unit: t, world: true, currency: USD}

    sources:
      # The nearest months of NYMEX and COMEX. Yahoo says the currency; the units are the exchanges' contracts':
      # copper is quoted in USD per pound. Neither provider quotes wire, tape or resins: name a source that does.
      - name: Yahoo
        kind: yahoo
        url: https://query1.finance.yahoo.com
        tasks: [fetch_price]
        rate: 5/s
        max-age: 7d
        symbols:
          Brent: {symbol: BZ=F, unit: bbl}
          WTI: {symbol: CL=F, unit: bbl}
          Natural Gas: {symbol: NG=F, unit: mmbtu}
          Copper: {symbol: HG=F, unit: lb}
      # Daily spot prices of the EIA, published once a week. Its metals are averages of months (IMF) and do not stand in
      # for a price of the hour.
      - name: Alpha Vantage
        kind: alphavantage
        url: "https://www.alphavantage.co/query?function={symbol}&interval=daily&apikey={token}"
        tasks: [fetch_price]
        rate: 1/s
        token: env:ALPHAVANTAGE_API_KEY
        max-age: 14d
        symbols: {Brent: BRENT, WTI: WTI, Natural Gas: NATURAL_GAS}

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
