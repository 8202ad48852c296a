// A lean HTTP/1.1 server for the gateway: one thread moves bytes for all connections, a bounded
// pool of threads runs the handler, and the sessions of WebSockets on the same port. Slow, silent,
// greedy or broken clients cost a connection slot for a bounded time and never a thread. HTTP/1.0
// clients are served; TLS, HTTP/2 and compression are not built.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ports.hpp"
#include "base/result.hpp"

namespace mutirao::net {

inline constexpr std::size_t kHttpHeadBytesMax = 16 << 10;  // request line and headers; 431 beyond

struct HttpHeader {
    std::string name;
    std::string value;
};

struct HttpRequest {
    std::string method;               // GET, HEAD, PUT, POST, DELETE or OPTIONS; others get 501
    std::string target;               // as sent, percent-encoded: "/s3/caf%C3%A9?part=1"
    std::vector<HttpHeader> headers;  // in the order sent
    std::string body;                 // any bytes

    // The target without its query, and the query without its '?'. Still percent-encoded.
    std::string_view path() const;
    std::string_view query() const;
    // The first header of that name, in any case; empty when absent.
    std::string_view header(std::string_view name) const;
};

// Where a streaming answer goes.
class HttpWriter {
  public:
    virtual ~HttpWriter() = default;
    // Blocks until the bytes are on their way. `unavailable` once the client is gone, too slow
    // to take them, or the server stops: then the streaming function returns.
    virtual Status write(std::string_view bytes) = 0;
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body = {};  // not sent in answer to HEAD, but its size is
    // More headers. Content-Length, Transfer-Encoding and Connection are the server's own: do not
    // set them. Control characters in values become spaces.
    std::vector<HttpHeader> headers = {};
    // When set, `body` is not used: after the head has gone out this runs on a thread of its own
    // and writes the body piece by piece (server-sent events). It should write something every
    // few seconds, because only a write tells it that the client has left. Not run for HEAD.
    std::function<void(HttpWriter&)> stream = {};
};

// Called from many threads at once. What it throws becomes a 500.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// What one WebSocket connection (RFC 6455, text messages) says and hears. Called from one thread at
// a time, though not always the same. What a call throws ends the connection.
class WebSocketSession {
  public:
    virtual ~WebSocketSession() = default;
    // A message came; its answer, or nothing when empty.
    virtual std::string message(std::string_view text) = 0;
    // Whether announcements concern it now. Asked after each message.
    virtual bool listens() const { return false; }
    // What there is to tell since the last time, a message each: some of it; asked again until
    // there is none. Not asked while the client is slow to take what it was told. An error ends the
    // connection.
    virtual Result<std::vector<std::string>> news() { return std::vector<std::string>(); }
};
// Begins a session for a GET that asks for a WebSocket. Null: the request goes to the handler.
using WebSocketOpener = std::function<std::unique_ptr<WebSocketSession>(const HttpRequest&)>;

struct HttpLimits {
    std::size_t body_bytes_max = 64 << 20;     // of one request; 413 beyond
    std::size_t bodies_bytes_max = 512 << 20;  // of all requests being received or handled; 503
    // 503 beyond, once no connection has been idle for a second; half may be WebSockets.
    std::size_t connections_max = 512;
    std::size_t handlers_max = 8;  // threads that run the handler
    std::size_t queue_max = 256;   // requests waiting for one of them; 503 beyond
    std::size_t streams_max = 32;  // streaming answers at a time; 503 beyond
    // From the first byte of a request to its last, or of an answer; plus a second per 64 KiB, so
    // that large bodies over honest slow links pass. 408 when a request was begun.
    Duration transfer_timeout = std::chrono::seconds(30);
    Duration idle_timeout = std::chrono::seconds(60);  // between requests of one connection
    std::size_t message_bytes_max = 1 << 20;           // of one WebSocket message; it ends beyond
    std::size_t unsent_bytes_max = 1 << 20;  // of answers and news, before a client is waited for
    Duration stop_grace = std::chrono::seconds(5);  // for answers in flight when stopping
};

enum class HttpExposure {
    loopback_only,  // refuse any other listen address
    any_address,    // the operator chose to serve other machines, without TLS
};

class HttpServer {
  public:
    // Listens on "127.0.0.1:8080", "[::1]:8080" or "localhost:8080"; port 0 picks a free one.
    // Fails: invalid_argument (no such address), unimplemented (not a loopback address, unless
    // `exposure` allows it), unavailable (the port is taken or not permitted).
    static Result<std::unique_ptr<HttpServer>> start(
        const std::string& listen_address, HttpHandler handler, HttpLimits limits = {},
        HttpExposure exposure = HttpExposure::loopback_only, WebSocketOpener open_websocket = {});

    // Stops.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    std::uint16_t port() const;
    // "127.0.0.1:PORT"; what clients on this machine put after http://.
    std::string address() const;
    // There may be news for the sessions that listen. Any thread; cheap, and many in a row are one.
    void announce();
    // Accepts no more, lets answers in flight finish for stop_grace, then cuts them off, and
    // waits for handlers to return. Any thread but a handler's; a second call does nothing.
    void stop();

  private:
    struct Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace mutirao::net
