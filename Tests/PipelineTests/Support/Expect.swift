import Testing

/// `#expect` for calls that change their receiver, which the macro cannot take apart.
func expect(_ condition: Bool, _ comment: Comment? = nil, at location: SourceLocation = #_sourceLocation) {
  #expect(condition, comment, sourceLocation: location)
}
