import Core
@testable import CrawlerService
import HTTP
import Portals
import PortalSimulator
import Testing

@Suite struct CerberusTests {
  private func session(
    _ portal: PortalSimulator, _ chain: ChainProfile, user: String? = nil, password: String? = nil,
    lifetime: Duration = .seconds(1_500)
  ) throws -> CerberusSession {
    var row = WebPortal.cerberus.row(portal, chain)
    row.user = user ?? row.user
    row.password = password.map { Secret($0) } ?? row.password
    let client = try HTTPClient(HTTPConfiguration(addresses: AddressPolicy(allowsPrivate: true), userAgent: "tests"))
    return CerberusSession(try CerberusAccess(row), limits: HTTPLimits(), lifetime: lifetime) {
      try await client.execute($0)
    }
  }

  @Test func oneSessionServesManyPasses() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let chain = portal.catalogue.chains[0]
      let engine = try #require(try WebPortal.cerberus.engine(portal, chain) as? CerberusEngine)
      for _ in 0..<3 { _ = try await sweep(engine) }
      #expect(await engine.session.logins == 1)
    }
  }

  @Test func callersAtTheSameTimeShareOneLogin() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let session = try session(portal, portal.catalogue.chains[0])
      let passes = try await withThrowingTaskGroup(of: CerberusSession.Cookie.self) { group in
        for _ in 0..<16 { group.addTask { try await session.open() } }
        return try await group.reduce(into: Set()) { $0.insert($1) }
      }
      #expect(passes.count == 1)
      #expect(await session.logins == 1)
    }
  }

  @Test func aCancelledCallerDoesNotCancelTheOthers() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let session = try session(portal, portal.catalogue.chains[0])
      let impatient = Task { try await session.open() }
      let patient = Task { try await session.open() }
      impatient.cancel()
      _ = await impatient.result
      #expect(try await patient.value.value.hasPrefix("cftpSID="))
    }
  }

  @Test func logsInAgainAfterTheSessionExpires() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let chain = portal.catalogue.chains[0]
      let engine = try #require(try WebPortal.cerberus.engine(portal, chain) as? CerberusEngine)
      let before = try await sweep(engine).files
      portal.expireCerberusSessions()
      #expect(try await sweep(engine).files.count == before.count)
      #expect(await engine.session.logins == 2)
      // Between the page with the token and the listing.
      portal.add(Fault(.expiredSession, on: .listing, times: 1))
      #expect(try await sweep(engine).files.count == before.count)
      #expect(await engine.session.logins == 3)
      // As the login page itself.
      portal.add(Fault(.loginPage, on: .listing, times: 1))
      #expect(try await sweep(engine).files.count == before.count)
    }
  }

  @Test func aSessionThatExpiresAtOnceIsTransient() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(.expiredSession, on: .listing))
      let engine = try WebPortal.cerberus.engine(portal, portal.catalogue.chains[0])
      let error = await #expect(throws: CerberusError.self) { try await sweep(engine) }
      #expect(error?.kind == .sessionExpired)
      #expect(error?.errorClass == .transient)
    }
  }

  @Test func aSessionIsNotUsedLongerThanItsLife() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let session = try session(portal, portal.catalogue.chains[0], lifetime: .zero)
      let first = try await session.open()
      #expect(try await session.open() != first)
      #expect(await session.logins == 2)
    }
  }

  @Test func aRefusedLoginIsTheChainsConfiguration() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 2)) { portal in
      for (user, password) in [("nobody", ""), (portal.catalogue.chains[1].prefix, "wrong")] {
        let session = try session(portal, portal.catalogue.chains[1], user: user, password: password)
        let error = await #expect(throws: CerberusError.self) { try await session.open() }
        #expect(error?.kind == .loginRefused)
        #expect(error?.errorClass == .configuration)
        #expect(error?.description.contains("wrong") == false)
      }
    }
  }

  @Test func aLoginPageWithoutATokenIsReported() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      portal.add(Fault(.loginPage, on: .login))
      let session = try session(portal, portal.catalogue.chains[0])
      let error = await #expect(throws: CerberusError.self) { try await session.open() }
      #expect(error?.kind == .noToken)
    }
  }

  @Test func readsPageByPage() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 1)) { portal in
      let chain = portal.catalogue.chains[0]
      let all = WebPortal.cerberus.files(portal, chain).map(\.name)
      let engine = try CerberusEngine(engineContext(WebPortal.cerberus.row(portal, chain)), pageRows: 4)
      #expect(try await sweep(engine).files.map(\.fileName).sorted() == all.sorted())
      #expect(portal.requests(.listing) == (all.count + 3) / 4)
    }
  }

  @Test func foldersAreNoFiles() async throws {
    try await PortalSimulator.serving(smallCatalogue(chains: 2)) { portal in
      let chain = portal.catalogue.chains[1]
      var row = WebPortal.cerberus.row(portal, chain)
      row.path = nil
      let engine = try CerberusEngine(engineContext(row))
      let (files, skipped, _) = try await sweep(engine)
      #expect(files.isEmpty)
      #expect(skipped == ["folder": 1])
    }
  }

  @Test func linksStayInTheFolder() throws {
    let access = try CerberusAccess(address: "https://url.publishedprices.co.il", user: "yuda_ho", folder: "Yuda/")
    #expect(access.folder == "/Yuda")
    #expect(
      try access.link(toFile: "Price7290058177776-001-202501200300.gz").text
        == "https://url.publishedprices.co.il/file/d/Yuda/Price7290058177776-001-202501200300.gz")
    for (address, user, folder) in [
      ("ftp://h", "u", "/"), ("https://h", "", "/"), ("https://h", "u", "/../x"), ("", "u", "/"),
    ] {
      let error = #expect(throws: Failure.self) { try CerberusAccess(address: address, user: user, folder: folder) }
      #expect(error?.errorClass == .configuration)
    }
  }
}
