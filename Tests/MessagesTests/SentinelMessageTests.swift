import Foundation
import Messages
import Testing
import Values

/// The messages of market data, predictions and the jobs that begin them.
@Suite struct SentinelMessageTests {
  static func series(_ text: String) -> RoutingKey {
    guard let key = RoutingKey(text) else { preconditionFailure("not a routing key: \(text)") }
    return key
  }

  static let task = IngestionTask(
    task: .fetchDemand, material: "Copper Wire", country: "Egypt", region: "mena", category: .screening,
    source: "Exchange \"A\"", jobID: "00112233445566778899aabbccddeeff", schedule: "demand-hourly",
    dueAt: time("2026-03-02T10:15:00Z"), deadline: time("2026-03-02T16:15:00Z"), attempt: 2)

  static let observation = CommodityObservation(
    series: series("mena.egypt.polymer.pvc"), kind: .price, material: "PVC", country: "Egypt",
    value: decimal("48250.50"), currency: "EGP", unit: "t", observedAt: time("2026-03-02T12:00:00+02:00"),
    source: "Exchange", jobID: "00112233445566778899aabbccddeeff", fetchedAt: time("2026-03-02T10:00:01.25Z"),
    flags: ["failed_over", "late"])

  static let prediction = Prediction(
    predictionID: "ffeeddccbbaa99887766554433221100", series: series("mena.egypt.polymer.pvc"), kind: .price,
    model: "polymer-xgboost", modelVersion: "3", modelKind: "xgboost", issuedAt: time("2026-03-02T10:00:00Z"),
    currency: "EGP", unit: "t",
    steps: [
      .init(step: 1, targetAt: time("2026-03-02T11:00:00Z"), mean: decimal("48300.1"), quantiles: [
        .init(probability: decimal("0.1"), value: decimal("47900")),
        .init(probability: decimal("0.9"), value: decimal("48700.25")),
      ]),
      .init(step: 2, targetAt: time("2026-03-02T12:00:00Z"), mean: decimal("-0.5")),
    ],
    inputDigest: "0123456789abcdef0123456789abcdef", flags: ["gap"])

  // MARK: Golden bytes

  @Test func ingestionTask() {
    #expect(String(decoding: Self.task.encoded(), as: UTF8.self) == """
      {"task":"fetch_demand","material":"Copper Wire","country":"Egypt","region":"mena","category":"screening",\
      "source":"Exchange \\"A\\"","job_id":"00112233445566778899aabbccddeeff","schedule":"demand-hourly",\
      "due_at":"2026-03-02T10:15:00Z","deadline":"2026-03-02T16:15:00Z","attempt":2}
      """)
    #expect(String(decoding: Self.task.key, as: UTF8.self) == "mena.egypt.screening.copper_wire")
    let world = IngestionTask(task: .fetchPrice, material: "Brent", category: .energy)
    #expect(String(decoding: world.encoded(), as: UTF8.self) == """
      {"task":"fetch_price","material":"Brent","country":null,"region":null,"category":"energy","source":null,\
      "job_id":null,"schedule":null,"due_at":null,"deadline":null,"attempt":1}
      """)
    #expect(String(decoding: world.key, as: UTF8.self) == "global.world.energy.brent")
  }

  @Test func marketObservation() {
    #expect(String(decoding: Self.observation.encoded(), as: UTF8.self) == """
      {"series":"mena.egypt.polymer.pvc","kind":"price","material":"PVC","country":"Egypt","value":48250.50,\
      "currency":"EGP","unit":"t","observed_at":"2026-03-02T12:00:00+02:00","source":"Exchange",\
      "job_id":"00112233445566778899aabbccddeeff","fetched_at":"2026-03-02T10:00:01.250Z",\
      "flags":["failed_over","late"]}
      """)
    #expect(String(decoding: Self.observation.key, as: UTF8.self) == "mena.egypt.polymer.pvc")
  }

  @Test func prediction() {
    #expect(String(decoding: Self.prediction.encoded(), as: UTF8.self) == """
      {"prediction_id":"ffeeddccbbaa99887766554433221100","series":"mena.egypt.polymer.pvc","kind":"price",\
      "model":"polymer-xgboost","model_version":"3","model_kind":"xgboost","issued_at":"2026-03-02T10:00:00Z",\
      "currency":"EGP","unit":"t","steps":[\
      {"step":1,"target_at":"2026-03-02T11:00:00Z","mean":48300.1,"quantiles":[[0.1,47900],[0.9,48700.25]]},\
      {"step":2,"target_at":"2026-03-02T12:00:00Z","mean":-0.5,"quantiles":[]}],\
      "input_digest":"0123456789abcdef0123456789abcdef","flags":["gap"],"withheld":null}
      """)
    #expect(String(decoding: Self.prediction.key, as: UTF8.self) == "mena.egypt.polymer.pvc")
  }

  // MARK: Written by others

  /// The two jobs as the first users of this topic write them.
  @Test func tasksWrittenByHandAreRead() throws {
    let price = try IngestionTask(decoding: Array(
      #"{"task":"fetch_price","material":"Copper","source":"Yahoo"}"#.utf8))
    #expect(price == IngestionTask(task: .fetchPrice, material: "Copper", source: "Yahoo"))
    #expect(price.attempt == 1 && price.jobID == nil && price.task.series == .price)
    let demand = try IngestionTask(decoding: Array(
      #"{ "material" : "Copper", "country" : "Egypt", "task" : "fetch_demand" }"#.utf8))
    #expect(demand == IngestionTask(task: .fetchDemand, material: "Copper", country: "Egypt"))
    #expect(demand.task.series == .demand)
  }

  @Test func theSmallestMessagesOfVersion1AreRead() throws {
    let observation = try CommodityObservation(decoding: Array("""
      {"series":"global.world.energy.brent","kind":"price","value":"81.20","observed_at":"2026-03-02T10:00:00Z",\
      "source":"x"}
      """.utf8))
    #expect(observation == CommodityObservation(
      series: Self.series("global.world.energy.brent"), kind: .price, material: "brent", value: decimal("81.20"),
      observedAt: time("2026-03-02T10:00:00Z"), source: "x"))
    let prediction = try Prediction(decoding: Array("""
      {"prediction_id":"p","series":"mena.egypt.screening.copper","kind":"demand","model":"m","model_version":"1",\
      "model_kind":"sba","issued_at":"2026-03-02T10:00:00Z","steps":[],"input_digest":"d",\
      "withheld":"too_few_observations"}
      """.utf8))
    #expect(prediction == Prediction(
      predictionID: "p", series: Self.series("mena.egypt.screening.copper"), kind: .demand, model: "m",
      modelVersion: "1", modelKind: "sba", issuedAt: time("2026-03-02T10:00:00Z"), steps: [], inputDigest: "d",
      withheld: "too_few_observations"))
  }

  @Test func fieldsOfALaterVersionAreIgnored() throws {
    func grown(_ bytes: [UInt8]) -> [UInt8] {
      Array(String(decoding: bytes, as: UTF8.self)
        .replacingOccurrences(of: "{", with: #"{"later":{"a":[1,-2.5e+3,"\u05d0",null,true,{}]},"#).utf8)
    }
    #expect(try IngestionTask(decoding: grown(Self.task.encoded())) == Self.task)
    #expect(try CommodityObservation(decoding: grown(Self.observation.encoded())) == Self.observation)
    #expect(try Prediction(decoding: grown(Self.prediction.encoded())) == Self.prediction)
  }

  /// What version 1 had stays, under its name and with its JSON type. Lines may be added here, none removed.
  @Test func everyFieldOfVersion1IsStillWritten() throws {
    func types(_ bytes: [UInt8]) throws -> [String: String] {
      let object = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
      return object.mapValues { value in
        switch value {
        case is String: "string"
        case is NSNumber: "number"
        case is [Any]: "array"
        default: "other"
        }
      }
    }
    let frozen: [([UInt8], [String: String])] = [
      (Self.task.encoded(), [
        "task": "string", "material": "string", "country": "string", "region": "string", "category": "string",
        "source": "string", "job_id": "string", "schedule": "string", "due_at": "string", "deadline": "string",
        "attempt": "number",
      ]),
      (Self.observation.encoded(), [
        "series": "string", "kind": "string", "material": "string", "country": "string", "value": "number",
        "currency": "string", "unit": "string", "observed_at": "string", "source": "string", "job_id": "string",
        "fetched_at": "string", "flags": "array",
      ]),
      (Self.prediction.encoded(), [
        "prediction_id": "string", "series": "string", "kind": "string", "model": "string", "model_version": "string",
        "model_kind": "string", "issued_at": "string", "currency": "string", "unit": "string", "steps": "array",
        "input_digest": "string", "flags": "array",
      ]),
    ]
    for (bytes, fields) in frozen {
      let now = try types(bytes)
      for (field, type) in fields { #expect(now[field] == type, "\(field) was \(type) in version 1") }
    }
  }

  // MARK: Refused

  @Test(arguments: [
    (#"{"material":"Copper"}"#, "task"), (#"{"task":"fetch_price"}"#, "material"),
    (#"{"task":"fetch","material":"Copper"}"#, "task"), (#"{"task":"fetch_price","material":7}"#, nil),
    (#"{"task":"fetch_price","material":"Copper","category":"metal"}"#, "category"),
    (#"{"task":"fetch_price","material":"Copper","due_at":"tomorrow"}"#, "due_at"),
    (#"{"task":"fetch_price","material":"Copper","attempt":1.5}"#, nil), (#"["fetch_price"]"#, nil), ("", nil),
  ] as [(String, String?)])
  func aBadTaskIsRefusedWithItsField(_ text: String, _ field: String?) throws {
    let refusal = try #require(failure { () throws(DecodingFailure) in
      try IngestionTask(decoding: Array(text.utf8))
    })
    if let field { #expect("\(refusal)".contains(field), "\(refusal)") }
  }

  @Test(arguments: [
    #"{"series":"mena.egypt.polymer","kind":"price","value":1,"observed_at":"2026-03-02T10:00:00Z","source":"x"}"#,
    #"{"series":"mena.egypt.metal.pvc","kind":"price","value":1,"observed_at":"2026-03-02T10:00:00Z","source":"x"}"#,
    #"{"series":"Mena.egypt.polymer.pvc","kind":"price","value":1,"observed_at":"2026-03-02T10:00:00Z","source":"x"}"#,
    #"{"series":"mena.egypt.polymer.pvc","kind":"cost","value":1,"observed_at":"2026-03-02T10:00:00Z","source":"x"}"#,
    #"{"series":"a.b.polymer.c","kind":"price","value":"NaN","observed_at":"2026-03-02T10:00:00Z","source":"x"}"#,
    #"{"series":"mena.egypt.polymer.pvc","kind":"price","value":1,"observed_at":"2026-03-02T10:00:00Z"}"#,
    #"{"series":"mena.egypt.polymer.pvc","kind":"price","value":1,"source":"x"}"#,
  ])
  func aBadObservationIsRefused(_ text: String) {
    #expect(failure { () throws(DecodingFailure) in try CommodityObservation(decoding: Array(text.utf8)) } != nil)
  }

  @Test(arguments: ["[[0,1]]", "[[1,1]]", "[[0.5]]", "[[0.5,1,2]]", "[0.5,1]", "{}"])
  func aBadQuantileIsRefused(_ quantiles: String) {
    let text = String(decoding: Self.prediction.encoded(), as: UTF8.self)
      .replacingOccurrences(of: "[[0.1,47900],[0.9,48700.25]]", with: quantiles)
    #expect(failure { () throws(DecodingFailure) in try Prediction(decoding: Array(text.utf8)) } != nil)
  }

  // MARK: Round trip

  @Test func writtenValuesAreReadBack() throws {
    let seed = freshSeed()
    var random = Seeded(seed)
    func word() -> String { (0...random.below(5)).map { _ in random.pick(["a", "7", "_", "-", "xy"]) }.joined() }
    let signs = ["é", "\"", "\n", "م", "😀", "abc "]
    func text() -> String { (0..<random.below(6)).map { _ in random.pick(signs) }.joined() }
    func maybe<Value>(_ value: () -> Value) -> Value? { random.chance(3) ? nil : value() }
    func instant() -> Timestamp {
      Timestamp(
        microseconds: Int64(random.below(4_000_000_000)) * 1_000_000 + Int64(random.pick([0, 1, 500_000])),
        offsetMinutes: random.pick([0, 120, -90])) ?? .epoch
    }
    func amount() -> ExactDecimal {
      ExactDecimal(mantissa: Int64(random.below(2_000_000_000)) - 1_000_000_000, scale: random.below(7)) ?? .zero
    }
    func key() -> RoutingKey {
      Self.series("\(word()).\(word()).\(random.pick(CommodityCategory.allCases).rawValue).\(word())")
    }
    for _ in 0..<400 {
      let task = IngestionTask(
        task: random.pick(IngestionTask.Kind.allCases), material: text(), country: maybe(text), region: maybe(text),
        category: maybe { random.pick(CommodityCategory.allCases) }, source: maybe(text), jobID: maybe(word),
        schedule: maybe(word), dueAt: maybe(instant), deadline: maybe(instant), attempt: Int64(random.below(9)))
      #expect(try IngestionTask(decoding: task.encoded()) == task, "seed \(seed)")
      let observation = CommodityObservation(
        series: key(), kind: random.pick(SeriesKind.allCases), material: text(), country: maybe(text), value: amount(),
        currency: maybe(word), unit: maybe(text), observedAt: instant(), source: text(), jobID: maybe(word),
        fetchedAt: maybe(instant), flags: (0..<random.below(3)).map { _ in word() })
      #expect(try CommodityObservation(decoding: observation.encoded()) == observation, "seed \(seed)")
      var prediction = Self.prediction
      prediction.series = key()
      prediction.kind = random.pick(SeriesKind.allCases)
      prediction.issuedAt = instant()
      (prediction.currency, prediction.unit, prediction.withheld) = (maybe(word), maybe(text), maybe(word))
      prediction.flags = (0..<random.below(3)).map { _ in word() }
      prediction.steps = (0..<random.below(4)).map { step in
        Prediction.Step(
          step: Int64(step + 1), targetAt: instant(), mean: amount(),
          quantiles: (0..<random.below(3)).map { Prediction.Quantile(
            probability: ExactDecimal(mantissa: Int64($0 + 1), scale: 1) ?? .zero, value: amount()) })
      }
      #expect(try Prediction(decoding: prediction.encoded()) == prediction, "seed \(seed)")
    }
  }

  // MARK: Routing keys

  @Test func namesBecomeWords() {
    #expect(RoutingKey.word(for: "Copper Wire (1 mm)") == "copper_wire_1_mm")
    #expect(RoutingKey.word(for: "  United Arab Emirates ") == "united_arab_emirates")
    #expect(RoutingKey.word(for: "low-density PE") == "low-density_pe")
    #expect(RoutingKey.word(for: "مصر") == nil)
    #expect(RoutingKey.word(for: String(repeating: "x", count: 63))?.utf8.count == 63)
    #expect(RoutingKey.word(for: String(repeating: "x", count: 64)) == nil)
  }

  @Test func aKeyIsFourWordsWithAKnownCategory() throws {
    let key = try #require(RoutingKey("mena.egypt.polymer.pvc"))
    #expect((key.region, key.country, key.category, key.material) == ("mena", "egypt", .polymer, "pvc"))
    #expect(RoutingKey(region: "mena", country: "egypt", category: .polymer, material: "pvc") == key)
    let long = String(repeating: "x", count: 63)
    let longest = "\(long).\(long).screening.\(long)"
    let bytes = Array(longest.utf8)
    let read = RoutingKey(utf8: bytes.span.bytes)
    #expect(read?.material == long)
    for text in ["", "a.b.polymer", "a.b.polymer.c.d", "a..polymer.c", "a.b.Polymer.c", "a.b.metal.c", "a.b.polymer.*",
                 "a.b.polymer.\(long)x", "é.b.polymer.c"] {
      #expect(RoutingKey(text) == nil, "\(text)")
      let bytes = Array(text.utf8)
      let read = RoutingKey(utf8: bytes.span.bytes)
      #expect(read == nil, "\(text)")
    }
  }
}
