/// The release all services of this checkout share.
package enum Souk {
  package static let version = "0.1.0"
}
