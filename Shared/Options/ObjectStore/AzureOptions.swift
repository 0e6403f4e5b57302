import ArgumentParser
import Core
import HTTP
import ObjectStore

/// How old data may be kept: what reading costs rises, what keeping costs falls.
package enum AzureTier: String, CaseIterable, ExpressibleByArgument, Sendable {
  case hot = "Hot", cool = "Cool", cold = "Cold", archive = "Archive"
}

/// The account and the credential of `az://`. The names are those of Azure's own command line.
package struct AzureOptions: ParsableArguments {
  @Option(help: ArgumentHelp(
    "Account of an address that does not name it, as az:// does not.", valueName: "name"))
  package var azureStorageAccount: String?

  @Option(help: ArgumentHelp("Key of the account, as the portal shows it (Base64).", valueName: "key"))
  package var azureStorageKey: String?

  @Option(name: .customLong("azure-storage-sas-token"),
          help: ArgumentHelp("Shared access signature, instead of the key: sv=...&sig=...", valueName: "token"))
  package var azureStorageSASToken: String?

  @Option(help: ArgumentHelp(
    "Account, key or signature, and endpoint in one text, as the portal shows it.", valueName: "text"))
  package var azureStorageConnectionString: String?

  @Option(help: ArgumentHelp(
    "Blob endpoint (default: https://<account>.blob.core.windows.net).", valueName: "url"))
  package var azureStorageServiceEndpoint: String?

  @Flag(help: "Use the identity that Azure gives to this machine, instead of a key.")
  package var azureManagedIdentity = false

  @Option(name: .customLong("azure-client-id"), help: ArgumentHelp(
    "Which identity: needed by a machine that has several, and with a federated token.", valueName: "id"))
  package var azureClientID: String?

  @Option(name: .customLong("azure-tenant-id"), help: ArgumentHelp(
    "Tenant of the identity of a federated token.", valueName: "id"))
  package var azureTenantID: String?

  @Option(help: ArgumentHelp(
    "File with a federated token, as Kubernetes gives it to a pod, for its identity instead of a key.",
    valueName: "path"))
  package var azureFederatedTokenFile: String?

  @Option(help: ArgumentHelp("Where a federated token is exchanged.", valueName: "url"))
  package var azureAuthorityHost = "https://login.microsoftonline.com/"

  @Option(help: ArgumentHelp("The machine's metadata service, for --azure-managed-identity.", valueName: "url"))
  package var azurePodIdentityAuthorityHost = "http://169.254.169.254"

  @Option(help: "Access tier of new blobs (default: the account's).")
  package var azureAccessTier: AzureTier?

  @Flag(help: "Never replace a blob, for immutable containers: an equal one counts as stored, another is refused.")
  package var azureCreateOnce = false

  package init() {}

  /// - Parameter host: of the blob endpoint, where the address of the store names it.
  /// - Throws: `ObjectStoreError` of class configuration, naming the flag and no secret.
  func configuration(host: String?, container: String, prefix: String) throws -> AzureConfiguration {
    let parts = try connectionParts()
    let hostAccount = host.map { String($0.prefix { $0 != "." }) }
    guard let account = hostAccount ?? azureStorageAccount ?? parts["accountname"], !account.isEmpty else {
      throw invalid("--azure-storage-account is needed: az:// does not name the account")
    }
    for (flag, other) in [("--azure-storage-account", azureStorageAccount),
                          ("--azure-storage-connection-string", parts["accountname"])] {
      if let other, other != account { throw invalid("\(flag) names another account than \(account)") }
    }
    let scheme = parts["defaultendpointsprotocol"] ?? "https"
    let suffix = parts["endpointsuffix"] ?? "core.windows.net"
    let address = azureStorageServiceEndpoint ?? parts["blobendpoint"] ?? host.map { "https://\($0)" }
      ?? "\(scheme)://\(account).blob.\(suffix)"
    let endpoint = try url(address, "--azure-storage-service-endpoint")
    guard endpoint.query == nil else {
      throw invalid("--azure-storage-service-endpoint has a query; a signature is --azure-storage-sas-token")
    }
    var configuration = AzureConfiguration(
      account: account, endpoint: endpoint, container: container, credential: try credential(parts))
    configuration.prefix = prefix
    configuration.tier = azureAccessTier?.rawValue
    configuration.createsOnce = azureCreateOnce
    return configuration
  }

  private func credential(_ parts: [String: String]) throws -> AzureCredential {
    if azureStorageKey == nil, azureStorageSASToken == nil, parts["accountkey"] == nil,
      parts["sharedaccesssignature"] == nil, let place = try identity()
    { return .identity(AzureIdentity(place)) }
    switch (azureStorageKey ?? parts["accountkey"], azureStorageSASToken ?? parts["sharedaccesssignature"]) {
    case (.some, .some): throw invalid("both an account key and a shared access signature are given; choose one")
    case (nil, nil):
      throw invalid(
        "Azure needs --azure-storage-key, --azure-storage-sas-token, --azure-storage-connection-string or "
          + "--azure-managed-identity")
    case (let key?, nil):
      guard let bytes = Base64.decode(key), !bytes.isEmpty else {
        throw invalid("the account key is not Base64; copy it from the portal whole, with its final '='")
      }
      return .key(bytes)
    case (nil, let token?):
      let query = token.hasPrefix("?") ? String(token.dropFirst()) : token
      guard query.split(separator: "&").contains(where: { $0.hasPrefix("sig=") }),
            query.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }) else {
        throw invalid("the shared access signature is not a query with sig=; copy what follows '?' in the signed URL")
      }
      return .sas(query)
    }
  }

  /// - Returns: nil where none is asked for.
  private func identity() throws -> AzureIdentity.Place? {
    if azureManagedIdentity {
      return .machine(
        endpoint: try url(azurePodIdentityAuthorityHost, "--azure-pod-identity-authority-host"),
        clientID: azureClientID)
    }
    guard let azureFederatedTokenFile else { return nil }
    guard let azureClientID, let azureTenantID else {
      throw invalid("--azure-federated-token-file needs --azure-client-id and --azure-tenant-id")
    }
    return .federated(
      authority: try url(azureAuthorityHost, "--azure-authority-host"), tenantID: azureTenantID,
      clientID: azureClientID, tokenFile: azureFederatedTokenFile)
  }

  /// The parts of the connection string by their names in small letters.
  private func connectionParts() throws -> [String: String] {
    guard let text = azureStorageConnectionString else { return [:] }
    var parts: [String: String] = [:]
    for part in text.split(separator: ";") {
      guard let equals = part.firstIndex(of: "=") else {
        throw invalid("--azure-storage-connection-string is not name=value;name=value")
      }
      parts[part[..<equals].lowercased()] = String(part[part.index(after: equals)...])
    }
    return parts
  }
}
