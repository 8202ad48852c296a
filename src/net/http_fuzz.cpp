// A request parsed in one piece and in small ones is the same request, or fails both ways; what a
// parsed request holds stays within the limits.
#include "base/ensure.hpp"
#include "net/http_parser.hpp"

using mutirao::net::HttpParser;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kBodyMax = 4096;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto whole = mutirao::net::parse_http_request(bytes, kBodyMax);

    HttpParser pieces(kBodyMax);
    const std::size_t step = size == 0 ? 1 : data[0] % 7 + 1;
    for (std::size_t at = 0; at < size; at += step) pieces.feed(bytes.substr(at, step));
    ENSURE(whole.ok() == (pieces.state() == HttpParser::State::complete));
    if (!whole.ok()) return 0;
    const auto request = pieces.take();
    ENSURE(request.method == whole->method && request.target == whole->target);
    ENSURE(request.body == whole->body && request.body.size() <= kBodyMax);
    ENSURE(request.headers.size() == whole->headers.size());
    ENSURE(request.path().size() <= mutirao::net::kHttpHeadBytesMax);
    return 0;
}
