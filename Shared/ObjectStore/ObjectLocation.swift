import Core

/// Where a store is: `s3://bucket/prefix`, `az://container/prefix` or `file:///folder`. Objects are named below it, and
/// nothing outside it is ever opened.
package struct ObjectLocation: Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// `prefix` has no slash at either end; empty for the whole bucket.
    case s3(bucket: String, prefix: String)
    /// `host` is the blob endpoint of the account, nil where the address does not name the account.
    case azure(host: String?, container: String, prefix: String)
    /// An absolute path without a slash at its end.
    case folder(String)
  }
  package let kind: Kind

  /// - Throws: `ObjectStoreError` of kind `.invalidSetting` that says what would be right.
  package init(_ text: String) throws(ObjectStoreError) {
    if let rest = text.dropPrefix("s3://") {
      let (bucket, prefix) = Self.cut(rest)
      guard Self.isBucketName(bucket) else {
        throw ObjectStoreError(.invalidSetting, "'\(text)': a bucket name has 3 to 63 of a-z, 0-9, '-' and '.'")
      }
      let trimmed = Self.trim(prefix)
      if !trimmed.isEmpty { _ = try Self.checked(trimmed, text) }
      kind = .s3(bucket: bucket, prefix: trimmed)
    } else if let rest = text.dropPrefix("file://") {
      guard rest.hasPrefix("/"), let path = PercentEncoding.decode(rest), !Self.trim(path).isEmpty else {
        throw ObjectStoreError(.invalidSetting, "'\(text)': a folder is written file:///absolute/path")
      }
      _ = try Self.checked(Self.trim(path), text)
      kind = .folder("/" + Self.trim(path))
    } else if let address = AzureAddress(text) {
      guard address.query == nil else {
        // The text is not repeated: what follows the question mark is a signature.
        throw ObjectStoreError(
          .invalidSetting,
          "the address of an Azure container ends before '?'; what follows is --azure-storage-sas-token")
      }
      guard Self.isContainerName(address.container) else {
        throw ObjectStoreError(.invalidSetting, "'\(text)': a container name has 3 to 63 of a-z, 0-9 and single '-'")
      }
      let trimmed = Self.trim(address.path)
      if !trimmed.isEmpty { _ = try Self.checked(trimmed, text) }
      kind = .azure(host: address.host, container: address.container, prefix: trimmed)
    } else {
      throw ObjectStoreError(
        .invalidSetting, "'\(text)' is none of s3://bucket/prefix, az://container/prefix and file:///folder")
    }
  }

  private static func checked(_ path: String, _ text: String) throws(ObjectStoreError) -> ObjectKey {
    do { return try ObjectKey(path) } catch {
      throw ObjectStoreError(.invalidSetting, "'\(text)': \(error.message)")
    }
  }

  /// The URL of an object, as messages carry it (`s3_path`).
  package func url(of key: ObjectKey) -> String {
    switch kind {
    case .s3(let bucket, let prefix): "s3://\(bucket)/\(prefix.isEmpty ? "" : prefix + "/")\(key.text)"
    case .azure(_, let container, let prefix): "az://\(container)/\(prefix.isEmpty ? "" : prefix + "/")\(key.text)"
    case .folder(let path): "file://" + PercentEncoding.encode("\(path)/\(key.text)", keepingSlash: true)
    }
  }

  /// The key of the object that `url` names, if it lies inside this location.
  /// - Throws: `.outsideStore` for another bucket, prefix or folder; `.invalidKey` for a path that climbs.
  package func key(of url: String) throws(ObjectStoreError) -> ObjectKey {
    let rest: String?
    switch kind {
    case .s3(let bucket, let prefix):
      rest = url.dropPrefix("s3://\(bucket)/\(prefix.isEmpty ? "" : prefix + "/")")
    case .azure(let host, let container, let prefix):
      let address = AzureAddress(url)
      let isOurs = address.map { $0.container == container && ($0.host == nil || host == nil || $0.host == host) }
      rest = isOurs == true ? address?.path.dropPrefix(prefix.isEmpty ? "" : prefix + "/") : nil
    case .folder(let path):
      rest = url.dropPrefix("file://").flatMap { PercentEncoding.decode($0) }?.dropPrefix(path + "/")
    }
    guard let rest else {
      throw ObjectStoreError(.outsideStore, "the object is not inside \(self); only that store is opened")
    }
    return try ObjectKey(rest)
  }

  /// The path of an object on this machine; nil where it is not on one.
  package func localPath(of key: ObjectKey) -> String? {
    if case .folder(let path) = kind { "\(path)/\(key.text)" } else { nil }
  }

  package var description: String {
    switch kind {
    case .s3(let bucket, let prefix): "s3://\(bucket)\(prefix.isEmpty ? "" : "/" + prefix)"
    case .azure(_, let container, let prefix): "az://\(container)\(prefix.isEmpty ? "" : "/" + prefix)"
    case .folder(let path): "file://" + PercentEncoding.encode(path, keepingSlash: true)
    }
  }

  fileprivate static func cut(_ text: String) -> (String, String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
  }

  private static func trim(_ path: String) -> String {
    var path = Substring(path)
    while path.first == "/" { path.removeFirst() }
    while path.last == "/" { path.removeLast() }
    return String(path)
  }

  private static func isContainerName(_ name: String) -> Bool {
    isBucketName(name) && !name.contains(".") && !name.contains("--")
  }

  private static func isBucketName(_ name: String) -> Bool {
    name.wholeMatch(of: /[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]/) != nil && !name.contains("..")
  }
}

/// The address of a container or a blob of Azure, in the forms of its own tools:
/// `az://container/path`, `abfss://container@account.dfs.core.windows.net/path` (also `wasbs`, `abfs`, `wasb`), and
/// `https://account.blob.core.windows.net/container/path`, which is percent-encoded.
private struct AzureAddress {
  /// Of the blob endpoint.
  var host: String?
  var container: String
  /// Without the slash before it.
  var path: String
  var query: String?

  /// - Returns: nil when the text has none of the forms.
  init?(_ text: String) {
    if let rest = text.dropPrefix("https://") {
      let (host, path) = ObjectLocation.cut(rest)
      guard host.contains(".blob.") || host.contains(".dfs.") else { return nil }
      let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      guard let decoded = PercentEncoding.decode(parts.first ?? "") else { return nil }
      (container, self.path) = ObjectLocation.cut(decoded)
      self.host = Self.blobHost(host)
      query = parts.count > 1 ? String(parts[1]) : nil
      return
    }
    let schemes = ["az://", "azure://", "abfss://", "abfs://", "wasbs://", "wasb://"]
    guard let rest = schemes.lazy.compactMap({ text.dropPrefix($0) }).first else { return nil }
    let (authority, path) = ObjectLocation.cut(rest)
    let names = authority.split(separator: "@", omittingEmptySubsequences: false)
    guard names.count <= 2 else { return nil }
    container = String(names[0])
    host = names.count > 1 ? Self.blobHost(String(names[1])) : nil
    self.path = path
  }

  /// Both endpoints of an account show the same objects.
  private static func blobHost(_ host: String) -> String {
    host.lowercased().split(separator: ".").map { $0 == "dfs" ? "blob" : $0 }.joined(separator: ".")
  }
}

extension String {
  /// What follows `prefix`; nil when the text does not begin with it.
  func dropPrefix(_ prefix: String) -> String? {
    utf8.starts(with: prefix.utf8) ? String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : nil
  }
}

/// The name of an object inside a store: `files/7290058140886/2025-01-20/ab12-PriceFull.gz`.
///
/// Checked when made, so that it is safe as a path of a folder and in a URL: no empty, `.` or `..` segment, no
/// leading or trailing slash, no control character, at most 1,024 bytes (S3's limit).
package struct ObjectKey: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  /// - Throws: `ObjectStoreError` of kind `.invalidKey`.
  package init(_ text: String) throws(ObjectStoreError) {
    guard !text.isEmpty, text.utf8.count <= 1024 else {
      throw ObjectStoreError(.invalidKey, "an object key has 1 to 1024 bytes, not \(text.utf8.count)")
    }
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      throw ObjectStoreError(.invalidKey, "the object key holds a control character")
    }
    let segments = text.split(separator: "/", omittingEmptySubsequences: false)
    guard !segments.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." || $0.utf8.count > 255 }) else {
      throw ObjectStoreError(.invalidKey, "the object key has an empty, '.', '..' or over-long part: \(text)")
    }
    self.text = text
  }

  /// `text` as one segment of a key: what a segment may not hold becomes `_`, so that a published file name
  /// can never name a folder. Distinct names may become equal; put something unique beside them.
  package static func segment(_ text: String) -> String {
    var bytes = text.utf8.map { $0 < 0x20 || $0 == 0x7f || $0 == 0x2f || $0 == 0x5c ? UInt8(ascii: "_") : $0 }
    if bytes.count > 200 { bytes = Array(bytes.suffix(200)) }
    // Cutting may have split a character; the repaired text may be longer than the bytes were, still under 255.
    let segment = String(decoding: bytes.drop { $0 & 0xc0 == 0x80 }, as: UTF8.self)
    return segment.isEmpty || segment == "." || segment == ".." ? "_" : segment
  }

  package var description: String { text }
}
