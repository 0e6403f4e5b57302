import ArgumentParser
import Core

extension DurationSetting: ExpressibleByArgument {
  package init?(argument: String) { self.init(text: argument) }
  package var defaultValueDescription: String { description }
}

extension ByteSize: ExpressibleByArgument {
  package init?(argument: String) { self.init(text: argument) }
  package var defaultValueDescription: String { description }
}

extension NYSECalendar.Hours: ExpressibleByArgument {}
