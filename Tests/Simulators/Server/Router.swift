import HTTPTypes
import HummingbirdCore
import NIOCore
import ServiceKit
import Synchronization

/// What a handler of a simulator may answer with.
package protocol RouteAnswer {
  var response: Response { get }
}

extension Response: RouteAnswer {
  package var response: Response { self }
}

extension HTTPResponse.Status: RouteAnswer {
  package var response: Response { Response(status: self) }
}

extension String: RouteAnswer {
  package var response: Response {
    Response(
      status: .ok, headers: [.contentType: "text/plain; charset=utf-8"],
      body: .init(byteBuffer: ByteBuffer(string: self)))
  }
}

/// The parameters of a path: what stands in it for `{name}`.
package typealias PathParameters = [String: String]

/// What a simulator answers, by method and path.
package final class Router: Sendable {
  private let table = Mutex(RouteTable<@Sendable (Request, PathParameters) async throws -> Response>())

  package init() {}

  package func on<Answer: RouteAnswer>(
    _ path: String, method: HTTPRequest.Method,
    use handler: @escaping @Sendable (Request, PathParameters) async throws -> Answer
  ) {
    table.withLock { $0.add(method, path) { try await handler($0, $1).response } }
  }

  package func get<Answer: RouteAnswer>(
    _ path: String, use handler: @escaping @Sendable (Request, PathParameters) async throws -> Answer
  ) { on(path, method: .get, use: handler) }

  package func post<Answer: RouteAnswer>(
    _ path: String, use handler: @escaping @Sendable (Request, PathParameters) async throws -> Answer
  ) { on(path, method: .post, use: handler) }

  package func delete<Answer: RouteAnswer>(
    _ path: String, use handler: @escaping @Sendable (Request, PathParameters) async throws -> Answer
  ) { on(path, method: .delete, use: handler) }

  func answer(_ request: Request) async -> Response {
    guard let (handler, parameters) = table.withLock({ $0.find(request.method, request.uri.path) }) else {
      return Response(status: .notFound)
    }
    do { return try await handler(request, parameters) } catch { return Response(status: .internalServerError) }
  }
}
