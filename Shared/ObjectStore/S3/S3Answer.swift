import HTML

/// What is read in the XML documents that S3 answers with; elements it does not know are ignored.
struct S3Answer {
  struct Object: Equatable {
    var key = ""
    var size = 0
    var etag: String?
  }
  var code: String?
  var message: String?
  var region: String?
  var uploadID: String?
  var etag: String?
  var isTruncated = false
  var nextToken: String?
  var objects: [Object] = []
  /// The name of the outermost element.
  var root: String

  /// - Returns: nil when the bytes are not such a document.
  init?(_ bytes: [UInt8]) {
    guard let document = XMLElement(document: bytes) else { return nil }
    root = document.name
    for element in document.children {
      switch element.name {
      case "Code": code = element.text
      case "Message": message = element.text
      case "Region": region = element.text
      case "UploadId": uploadID = element.text
      case "ETag": etag = element.text
      case "IsTruncated": isTruncated = element.text == "true"
      case "NextContinuationToken": nextToken = element.text
      case "Contents":
        guard let object = Object(element) else { return nil }
        objects.append(object)
      default: break
      }
    }
  }
}

extension S3Answer.Object {
  /// - Returns: nil when the size is no size.
  fileprivate init?(_ element: XMLElement) {
    for child in element.children {
      switch child.name {
      case "Key": key = child.text
      case "ETag": etag = child.text
      case "Size":
        guard let size = Int(child.text), size >= 0 else { return nil }
        self.size = size
      default: break
      }
    }
  }
}
