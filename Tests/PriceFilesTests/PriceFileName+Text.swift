import Core
import PriceFiles
import Values

extension PriceFileName {
  /// The canonical name; parsing it gives an equal value.
  var text: String {
    var text = (isNull ? "NULL" : "") + type.spelling + chainID
    if let subChainID { text += "-" + subChainID }
    // With a sub-chain the store's place must stay, or the sub-chain would be read as the store.
    if storeID != nil || subChainID != nil { text += "-" + (storeID ?? "") }
    text += "-" + zeroPadded(date.year, 4) + zeroPadded(date.month, 2) + zeroPadded(date.day, 2)
    if let time { text += zeroPadded(time.hour, 2) + zeroPadded(time.minute, 2) + zeroPadded(time.second, 2) }
    if let sequence { text += "-" + sequence }
    return fileExtension.isEmpty ? text : text + "." + fileExtension
  }
}
