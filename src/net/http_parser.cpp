#include "net/http_parser.hpp"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace mutirao::net {
namespace {

namespace http = boost::beast::http;

// Chunk extensions and trailers count as head: a body that makes no progress may not fill memory.
constexpr std::size_t kUnparsedBytesMax = kHttpHeadBytesMax + (128 << 10);
constexpr std::string_view kMethods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"};

std::string_view text_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

int status_of(const boost::beast::error_code& problem) {
    if (problem == http::error::body_limit) return 413;
    if (problem == http::error::header_limit) return 431;
    if (problem == http::error::bad_version) return 505;
    return 400;
}

std::string sentence_of(int status, const boost::beast::error_code& problem) {
    if (status == 413) return "the body is larger than this server takes";
    if (status == 431) return "the request line and headers are larger than 16 KiB";
    if (status == 505) return "this server speaks HTTP/1.1 and HTTP/1.0";
    return "not a valid HTTP request: " + problem.message();
}

// "/path" of "/path" and of "http://host/path"; empty for anything but a path.
std::string_view path_form(std::string_view target) {
    constexpr std::string_view kScheme = "http://";
    if (target.size() >= kScheme.size() &&
        same_ignoring_case(target.substr(0, kScheme.size()), kScheme)) {
        const auto slash = target.find('/', kScheme.size());
        return slash == target.npos ? "/" : target.substr(slash);
    }
    return target.starts_with('/') ? target : std::string_view{};
}

std::string without_controls(std::string_view value) {
    std::string clean(value);
    for (auto& c : clean)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return clean;
}

}  // namespace

std::string_view HttpRequest::path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::query() const {
    const auto mark = target.find('?');
    return mark == target.npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

std::string_view HttpRequest::header(std::string_view name) const {
    for (const auto& header : headers)
        if (same_ignoring_case(header.name, name)) return header.value;
    return {};
}

struct HttpParser::Impl {
    http::request_parser<http::string_body> parser;
    std::string unparsed;
};

HttpParser::HttpParser(std::size_t body_bytes_max) : impl_(std::make_unique<Impl>()) {
    impl_->parser.header_limit(kHttpHeadBytesMax);
    impl_->parser.body_limit(body_bytes_max);
}

HttpParser::~HttpParser() = default;

HttpParser::State HttpParser::fail(int status, std::string sentence) {
    error_status_ = status;
    error_sentence_ = std::move(sentence);
    return state_ = State::failed;
}

HttpParser::State HttpParser::feed(std::string_view bytes) {
    auto& unparsed = impl_->unparsed;
    auto& parser = impl_->parser;
    unparsed.append(bytes);
    std::size_t used = 0;
    while (state_ == State::head || state_ == State::body) {
        boost::beast::error_code problem;
        used += parser.put(boost::asio::buffer(unparsed.data() + used, unparsed.size() - used),
                           problem);
        if (problem && problem != http::error::need_more) {
            const int status = status_of(problem);
            return fail(status, sentence_of(status, problem));
        }
        if (state_ == State::head && parser.is_header_done()) {
            state_ = State::body;
            if (check_head() == State::failed) return state_;
        }
        if (parser.is_done()) state_ = State::complete;
        if (problem || used == unparsed.size()) break;
    }
    unparsed.erase(0, used);
    const bool stuck = state_ == State::body && unparsed.size() > kUnparsedBytesMax;
    return stuck ? fail(400, "a chunk's header or the trailers are too large") : state_;
}

// What Beast lets pass although it would be misread: an unknown transfer coding has no end that we
// could find, so its body would be taken for the next request.
HttpParser::State HttpParser::check_head() {
    const auto& head = impl_->parser.get();
    const auto method = text_of(head.method_string());
    if (std::find(std::begin(kMethods), std::end(kMethods), method) == std::end(kMethods))
        return fail(501, "the method " + std::string(method) + " is not known here");
    const auto target = text_of(head.target());
    if (path_form(target).empty() && !(target == "*" && method == "OPTIONS"))
        return fail(400, "the request target is no path");
    if (head.count(http::field::transfer_encoding) != 0 && !impl_->parser.chunked())
        return fail(501, "the only transfer coding known here is chunked");
    if (head.version() >= 11 && head.count(http::field::host) != 1)
        return fail(400, "an HTTP/1.1 request has exactly one Host header");
    return state_;
}

std::size_t HttpParser::body_bytes() const { return impl_->parser.get().body().size(); }

bool HttpParser::expects_continue() const {
    const auto& head = impl_->parser.get();
    return head.version() >= 11 &&
           same_ignoring_case(text_of(head[http::field::expect]), "100-continue");
}

bool HttpParser::keep_alive() const { return impl_->parser.get().keep_alive(); }
bool HttpParser::chunks_understood() const { return impl_->parser.get().version() >= 11; }

HttpRequest HttpParser::take() {
    auto& message = impl_->parser.get();
    HttpRequest request;
    request.method = text_of(message.method_string());
    const auto target = text_of(message.target());
    request.target = target == "*" ? target : path_form(target);
    for (const auto& field : message)
        request.headers.push_back(
            {std::string(text_of(field.name_string())), std::string(text_of(field.value()))});
    request.body = std::move(message.body());
    return request;
}

std::string HttpParser::take_rest() { return std::move(impl_->unparsed); }

Result<HttpRequest> parse_http_request(std::string_view bytes, std::size_t body_bytes_max) {
    HttpParser parser(body_bytes_max);
    switch (parser.feed(bytes)) {
        case HttpParser::State::complete: return parser.take();
        case HttpParser::State::failed: break;
        default: return Error{ErrorKind::invalid_argument, "the HTTP request ends before its end"};
    }
    const bool over_limit = parser.error_status() == 413 || parser.error_status() == 431;
    return Error{over_limit ? ErrorKind::resource_exhausted : ErrorKind::invalid_argument,
                 parser.error_sentence()};
}

std::string http_head(const HttpResponse& response, BodyForm form, bool keep_alive) {
    const bool valid = response.status >= 200 && response.status <= 599;
    const auto status = static_cast<unsigned>(valid ? response.status : 500);
    std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
    head += text_of(http::obsolete_reason(static_cast<http::status>(status)));
    head += "\r\n";
    const auto add = [&head](std::string_view name, std::string_view value) {
        head += name;
        head += ": ";
        head += without_controls(value);
        head += "\r\n";
    };
    const bool bodiless = status == 204 || status == 304;
    if (!bodiless && !response.content_type.empty()) add("Content-Type", response.content_type);
    if (!bodiless && form == BodyForm::sized)
        add("Content-Length", std::to_string(response.body.size()));
    if (!bodiless && form == BodyForm::chunked) add("Transfer-Encoding", "chunked");
    add("Connection", keep_alive ? "keep-alive" : "close");
    for (const auto& header : response.headers) add(without_controls(header.name), header.value);
    head += "\r\n";
    return head;
}

std::string http_chunk(std::string_view piece) {
    char size[24];
    std::snprintf(size, sizeof(size), "%zx\r\n", piece.size());
    std::string chunk;
    chunk.reserve(piece.size() + sizeof(size));
    chunk += size;
    chunk += piece;
    chunk += "\r\n";
    return chunk;
}

}  // namespace mutirao::net
