import Testing

/// `#expect` for mutating calls, which the macro does not support.
func expect(_ condition: Bool, _ comment: Comment? = nil, at location: SourceLocation = #_sourceLocation) {
  #expect(condition, comment, sourceLocation: location)
}
