// Libraries below this one declare their metrics too, so the type is Core's; a service that declares metrics
// need not know that.
@_exported import struct Core.MetricDescription
