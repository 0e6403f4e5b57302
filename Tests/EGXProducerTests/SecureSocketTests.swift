import Catalogue
import Core
@testable import EGXProducerService
import Kafka
import LocalServers
import Messages
import Testing
import TestSupport
import TradingViewSimulator
import WebSocket

/// TLS of the WebSocket, with an authority of the test: a server without a valid certificate receives nothing.
@Suite struct SecureSocketTests {
  private let script = SimulatorScript(bars: ["COMI": (0..<5).map {
    .init("\(1_755_043_200 + $0 * 86_400)", "90.5", "91.2", "90.1", "90.\($0)", "100")
  }])

  private func certificate(_ pair: (chain: String, key: String)) -> TradingViewSimulator.Certificate {
    .init(chain: pair.chain, key: pair.key)
  }

  private func fetch(_ url: String, trusting authority: String?) async throws -> Delivered {
    guard case .tradingView(let address) = try SourceLocation(url) else {
      throw Failure(.fatal, code: "test", "not a TradingView URL")
    }
    var settings = TradingViewSettings(url: address)
    settings.socket.caFile = authority
    settings.token = "secret"
    settings.socket.connectTime = .seconds(60)
    settings.answerTime = .seconds(120)
    let drain = Interruption()
    let source = TradingViewSource(
      settings: settings, clock: try ExchangeClock(), pace: Pace(gap: .zero, drain: drain), drain: drain)
    let delivered = Delivered()
    try await source.fetch([BarRequest(symbol: "COMI", interval: .daily, count: 5)]) { delivered.take($0, $1) }
    return delivered
  }

  @Test(.timeLimit(.minutes(10))) func aServerWithAValidCertificateIsUsed() async throws {
    try await withTemporaryDirectory { folder in
      let authority = try await TestAuthority(in: folder)
      let pair = try await authority.issue("server", for: "DNS:localhost,IP:127.0.0.1")
      try await TradingViewSimulator.serving(script, certificate: certificate(pair)) { simulator in
        for host in ["localhost", "127.0.0.1"] {
          let delivered = try await fetch(simulator.url(host: host), trusting: authority.file)
          #expect(delivered.bars("COMI").map { "\($0.candle.close)" } == ["90.0", "90.1", "90.2", "90.3", "90.4"])
        }
        #expect(simulator.methods.contains("set_auth_token") && simulator.connections == 2)
      }
    }
  }

  @Test(.timeLimit(.minutes(10))) func aServerWithoutAValidCertificateReceivesNothing() async throws {
    try await withTemporaryDirectory { folder in
      let authority = try await TestAuthority(in: folder)
      try await withTemporaryDirectory { elsewhere in
        let stranger = try await TestAuthority(in: elsewhere)
        let right = try await authority.issue("server", for: "DNS:localhost")
        let wrong = try await authority.issue("other", for: "DNS:data.tradingview.com")
        for (pair, trusted, what) in [
          (right, stranger.file, "another authority"), (right, nil, "an authority the system does not know"),
          (wrong, authority.file, "the name of another host"),
        ] {
          try await TradingViewSimulator.serving(script, certificate: certificate(pair)) { simulator in
            let error = await #expect(throws: SourceError.self, "\(what)") {
              try await fetch(simulator.url(host: "localhost"), trusting: trusted)
            }
            #expect(error?.kind == .connectFailed && error?.isTransient == true, "\(what): \(error as Any)")
            #expect(error?.message.contains("TLS") == true, "\(what): \(error as Any)")
            #expect(simulator.connections == 0 && simulator.methods.isEmpty, "\(what)")
          }
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(10))) func nothingIsSentInPlainTextToAServerWithoutTLS() async throws {
    try await TradingViewSimulator.serving(script) { simulator in
      let url = simulator.url(host: "localhost").replacing("tradingview+ws:", with: "tradingview+wss:")
      let error = await #expect(throws: SourceError.self) { try await fetch(url, trusting: nil) }
      #expect(error?.isTransient == true, "\(String(describing: error))")
      #expect(simulator.connections == 0)
    }
  }

  @Test(.timeLimit(.minutes(10))) func theExecutableTrustsTheGivenAuthority() async throws {
    try await withTemporaryDirectory { folder in
      let authority = try await TestAuthority(in: folder)
      let pair = try await authority.issue("server", for: "DNS:localhost")
      let broker = try EmbeddedBroker(topics: [(Topics.marketData.name, Int(Topics.marketData.partitions))])
      defer { broker.close() }
      try await TradingViewSimulator.serving(script, certificate: certificate(pair)) { simulator in
        let arguments = [
          "--check", "--symbols", "COMI", "--source", simulator.url(host: "localhost"), "--bootstrap",
          broker.bootstrapServers,
        ]
        let refused = try await ServiceProcess.run("egx-producer", arguments)
        #expect(!refused.status.isSuccess && refused.output.contains("TLS"), "\(refused)")
        let trusted = try await ServiceProcess.run("egx-producer", arguments + ["--fetch-ca-file", authority.file])
        #expect(trusted.status == .exited(0), "\(trusted)")
      }
    }
  }
}
