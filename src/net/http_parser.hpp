// One HTTP/1.1 request from bytes that arrive in pieces, and the head of the answer. Pure: no
// sockets, no time. The grammar is Boost.Beast's; what Beast leaves open is settled here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace mutirao::net {

// One thread at a time. Memory: at most the head limit, the body limit and one piece.
class HttpParser {
  public:
    enum class State { head, body, complete, failed };

    explicit HttpParser(std::size_t body_bytes_max);
    ~HttpParser();

    // Takes a piece of any size. Does nothing once complete or failed, but keep the bytes.
    State feed(std::string_view bytes);
    State state() const { return state_; }

    // Bytes of body seen so far.
    std::size_t body_bytes() const;
    // From the head on:
    bool expects_continue() const;   // the client waits for "100 Continue" before its body
    bool keep_alive() const;         // the client lets the connection be used again
    bool chunks_understood() const;  // HTTP/1.1: the answer may be sent in chunks
    // Once complete; takes it out.
    HttpRequest take();
    // Once complete: what came after the request, the beginning of the next one.
    std::string take_rest();
    // Once failed: 400, 413, 431, 501 or 505, and a sentence for the client.
    int error_status() const { return error_status_; }
    const std::string& error_sentence() const { return error_sentence_; }

  private:
    struct Impl;
    State fail(int status, std::string sentence);
    State check_head();
    std::unique_ptr<Impl> impl_;
    State state_ = State::head;
    int error_status_ = 0;
    std::string error_sentence_;
};

// The one complete request at the start of `bytes`; what follows it is left alone. Fails:
// invalid_argument (it is none) and resource_exhausted (past a limit).
Result<HttpRequest> parse_http_request(std::string_view bytes, std::size_t body_bytes_max);

enum class BodyForm {
    sized,       // Content-Length: body.size()
    chunked,     // pieces, each framed by http_chunk(); ends with kLastHttpChunk
    until_close  // for HTTP/1.0 clients
};

// Status line and headers with the empty line after them.
std::string http_head(const HttpResponse& response, BodyForm form, bool keep_alive);
// A non-empty piece of a chunked body.
std::string http_chunk(std::string_view piece);
inline constexpr std::string_view kLastHttpChunk = "0\r\n\r\n";

}  // namespace mutirao::net
