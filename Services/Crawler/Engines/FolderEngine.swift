import Core
import Foundation
import Logging
import Portals
import PriceFiles
import Values

/// A local folder of price files, read with everything below it.
///
/// The chain is the name of the subfolder that holds the file; for files in the folder itself, the chain id in the
/// file's name. Hidden files and folders are ignored. Links to folders are not followed.
package struct FolderEngine: PortalEngine {
  package let source = "dir"
  /// Absolute, without links.
  package let root: String
  /// Files in one listing.
  let pageSize: Int
  let maxFiles: Int

  /// - Throws: a configuration `Failure` when there is no such folder.
  package init(_ context: EngineContext) throws(Failure) { try self.init(path: context.chain.locator) }

  /// - Throws: a configuration `Failure` when there is no such folder.
  package init(path: String, pageSize: Int = 1_000, maxFiles: Int = 1_000_000) throws(Failure) {
    var isFolder: ObjCBool = false
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue else {
      throw Failure(.configuration, code: "no_such_folder", "--source dir:\(path): there is no such folder")
    }
    root = url.path
    self.pageSize = pageSize
    self.maxFiles = maxFiles
  }

  package func list(_ types: Set<FileType>, _ take: (Listing) async throws -> Bool) async throws {
    var rest = try paths()[...]
    while !rest.isEmpty {
      let page = rest.prefix(pageSize)
      rest = rest.dropFirst(page.count)
      guard try await take(listing(page)) else { return }
    }
  }

  /// Every regular file, relative to the root, in the order of names.
  private func paths() throws -> [String] {
    var failure: (any Error)?
    let walk = FileManager.default.enumerator(
      at: URL(fileURLWithPath: root, isDirectory: true), includingPropertiesForKeys: [.isRegularFileKey],
      options: [.skipsHiddenFiles],
      errorHandler: { _, error in
        failure = error
        return false
      })
    guard let walk else { throw PortalError(.folderUnreadable, "cannot read \(root)") }
    var paths: [String] = []
    for case let url as URL in walk {
      let values = try? url.resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey])
      guard values?.isRegularFile == true else { continue }
      paths.append(String(url.path.dropFirst(root == "/" ? 1 : root.count + 1)))
      guard paths.count <= maxFiles else {
        throw PortalError(.tooManyRows, "\(root) holds more than \(maxFiles) files")
      }
    }
    if let failure { throw PortalError(.folderUnreadable, "cannot read \(root): \(failure.localizedDescription)") }
    return paths.sorted()
  }

  private func listing(_ paths: ArraySlice<String>) -> Listing {
    var listing = Listing()
    for path in paths {
      let parts = path.split(separator: "/")
      guard let last = parts.last else { continue }
      let fileName = String(last)
      guard let name = listing.parse(fileName) else { continue }
      // Chains become parts of keys and object names.
      let chain = parts.count > 1 ? String(parts[parts.count - 2]) : name.chainID
      guard chain.utf8.allSatisfy({ Chain.isSlugByte($0) || $0 == UInt8(ascii: ".") }) else {
        listing.skip("bad_chain_name")
        continue
      }
      let url = URL(fileURLWithPath: root).appendingPathComponent(path)
      // The file may have gone since the walk; the next pass corrects it.
      let keys: Set<URLResourceKey> = [.fileSizeKey, .contentModificationDateKey]
      guard let values = try? url.resolvingSymlinksInPath().resourceValues(forKeys: keys),
        let size = values.fileSize
      else {
        listing.skip("vanished")
        continue
      }
      let changed = values.contentModificationDate.map { Int64($0.timeIntervalSince1970 * 1_000) } ?? 0
      listing.files.append(ListedFile(
        chain: chain, fileName: fileName, name: name, size: Int64(size), version: "\(size)\u{0}\(changed)",
        link: url.absoluteString))
    }
    return listing
  }
}
