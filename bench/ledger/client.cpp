#include "ledger/client.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <mutex>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>

#include "os/clock.hpp"
#include "os/descriptor.hpp"

namespace mutirao::bench {
namespace {

using std::chrono::steady_clock;

constexpr timeval kPatience{60, 0};

Error lost() {
    return {ErrorKind::unavailable,
            "the server closed the connection, or said nothing for a minute"};
}

class Socket {
  public:
    static Result<Socket> connect(std::uint16_t port) {
        Socket out;
        out.fd_ = os::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(out.fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
            return Error{ErrorKind::unavailable, "nobody listens at port " + std::to_string(port)};
        const int on = 1;
        ::setsockopt(out.fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        ::setsockopt(out.fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
        return out;
    }
    Status send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return lost();
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return {};
    }
    // Whatever has come, after what is there already.
    Status receive(std::string& to) {
        const auto before = to.size();
        to.resize(before + (64 << 10));
        const auto got = ::recv(fd_.get(), to.data() + before, to.size() - before, 0);
        to.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return got > 0 ? Status() : Status(lost());
    }

  private:
    os::Descriptor fd_;
};

class Http final : public Connection {
  public:
    explicit Http(Socket socket) : socket_(std::move(socket)) {}
    Result<std::string> exchange(std::string_view body) override {
        std::string request =
            "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
            "application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n";
        request += body;
        TRY_VOID(socket_.send(request));
        std::string in;
        std::size_t head = std::string::npos;
        while ((head = in.find("\r\n\r\n")) == std::string::npos) TRY_VOID(socket_.receive(in));
        if (in.substr(0, head).find("chunked") != std::string::npos)
            return read_chunks(in.substr(head + 4));
        TRY(const auto size, size_in(std::string_view(in).substr(0, head)));
        while (in.size() < head + 4 + size) TRY_VOID(socket_.receive(in));
        return in.substr(head + 4);
    }

  private:
    // Of what comes after the head: size in hexadecimal, line end, bytes, line end; 0 is the last.
    Result<std::string> read_chunks(std::string in) {
        std::string out;
        for (std::size_t at = 0;;) {
            std::size_t line = 0;
            while ((line = in.find("\r\n", at)) == std::string::npos) TRY_VOID(socket_.receive(in));
            std::size_t size = 0;
            std::from_chars(in.data() + at, in.data() + line, size, 16);
            while (in.size() < line + 2 + size + 2) TRY_VOID(socket_.receive(in));
            if (size == 0) return out;
            out += in.substr(line + 2, size);
            at = line + 2 + size + 2;
        }
    }
    static Result<std::size_t> size_in(std::string_view head) {
        std::string lower(head);
        std::transform(lower.begin(), lower.end(), lower.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        constexpr std::string_view kName = "\r\ncontent-length:";
        const auto at = lower.find(kName);
        std::size_t size = 0;
        if (at == std::string::npos)
            return Error{ErrorKind::unavailable, "an answer without a length"};
        const auto* begin = lower.data() + at + kName.size();
        while (*begin == ' ') ++begin;
        std::from_chars(begin, lower.data() + lower.size(), size);
        return size;
    }
    Socket socket_;
};

class WebSocket final : public Connection {
  public:
    explicit WebSocket(Socket socket) : socket_(std::move(socket)) {}
    Status shake_hands() {
        TRY_VOID(
            socket_.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        while (in_.find("\r\n\r\n") == std::string::npos) TRY_VOID(socket_.receive(in_));
        if (!in_.starts_with("HTTP/1.1 101"))
            return Error{ErrorKind::unavailable, "no WebSocket there"};
        in_.erase(0, in_.find("\r\n\r\n") + 4);
        return {};
    }
    // One text message each way.
    Result<std::string> exchange(std::string_view body) override {
        TRY_VOID(send('\x1', body));
        return receive();
    }
    Result<std::string> receive() override {
        std::string out;
        for (bool last = false; !last;) {
            TRY(const auto head, head_of_frame());
            while (in_.size() < head.begins + head.size) TRY_VOID(socket_.receive(in_));
            last = (static_cast<unsigned char>(in_[0]) & 0x80) != 0;
            const auto code = in_[0] & 0x0f;
            const auto body = in_.substr(head.begins, head.size);
            in_.erase(0, head.begins + head.size);
            if (code < 8) {
                out += body;
                continue;
            }
            last = false;
            if (code == 9) TRY_VOID(send('\xa', body));  // who does not answer a ping is cut off
        }
        return out;
    }

  private:
    struct Head {
        std::size_t begins, size;
    };
    // One frame, its mask all zeros.
    Status send(char code, std::string_view body) {
        std::string frame(1, static_cast<char>(0x80 | code));
        const std::uint64_t size = body.size();
        const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
        frame += static_cast<char>(0x80 | (length_bytes == 0   ? size
                                           : length_bytes == 2 ? 126
                                                               : 127));
        for (int i = length_bytes; i-- > 0;) frame += static_cast<char>(size >> (8 * i));
        frame.append(4, '\0');
        frame += body;
        return socket_.send(frame);
    }
    Result<Head> head_of_frame() {
        while (in_.size() < 2) TRY_VOID(socket_.receive(in_));
        const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in_[i]); };
        const std::size_t code = byte(1) & 0x7f;
        const std::size_t more = code < 126 ? 0 : code == 126 ? 2 : 8;
        while (in_.size() < 2 + more) TRY_VOID(socket_.receive(in_));
        std::size_t size = more == 0 ? code : 0;
        for (std::size_t i = 0; i < more; ++i) size = size << 8 | byte(2 + i);
        return Head{2 + more, size};
    }
    Socket socket_;
    std::string in_;
};

std::size_t count_of(std::string_view text, std::string_view word) {
    std::size_t out = 0;
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + word.size())) ++out;
    return out;
}

double own_cpu_s() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// What an answer to a batch says, without parsing what is well.
Verdict verdict_of(const std::string& answer, std::size_t count) {
    Verdict out;
    out.accepted = count;
    if (count_of(answer, "\"error\"") == 0 && count_of(answer, "\"result\"") == count) return out;
    boost::system::error_code problem;
    const auto parsed = boost::json::parse(answer, problem);
    if (problem || !parsed.is_array()) return {0, false, answer.substr(0, 300)};
    for (const auto& each : parsed.get_array()) {
        const auto* error = each.is_object() ? each.get_object().if_contains("error") : nullptr;
        if (error == nullptr) continue;
        const auto words = boost::json::serialize(*error);
        // It is there from the time before.
        if (words.find("already known") != words.npos || words.find("nonce too low") != words.npos)
            continue;
        --out.accepted;
        if (words.find("full") != words.npos || words.find("too high") != words.npos)
            out.no_room = true;
        else
            out.trouble = words;
    }
    return out;
}

// Of a receipt.
std::uint64_t block_of(std::string_view receipt) {
    constexpr std::string_view kName = "\"blockNumber\":\"0x";
    const auto at = receipt.find(kName);
    std::uint64_t out = 0;
    if (at != receipt.npos)
        std::from_chars(receipt.data() + at + kName.size(), receipt.data() + receipt.size(), out,
                        16);
    return out;
}

class JsonSender final : public Sender {
  public:
    JsonSender(std::unique_ptr<Connection> connection, Render render)
        : connection_(std::move(connection)), render_(std::move(render)) {}
    Result<Verdict> send(std::span<const Bytes> transactions) override {
        TRY(const auto answer, connection_->exchange(render_(transactions)));
        return verdict_of(answer, transactions.size());
    }

  private:
    std::unique_ptr<Connection> connection_;
    Render render_;
};

}  // namespace

SenderOpener by_json(Opener open, Render render) {
    return [open = std::move(open),
            render = std::move(render)](std::size_t) -> Result<std::unique_ptr<Sender>> {
        TRY(auto connection, open());
        return std::unique_ptr<Sender>(std::make_unique<JsonSender>(std::move(connection), render));
    };
}

Opener over_http(std::uint16_t port) {
    return [port]() -> Result<std::unique_ptr<Connection>> {
        TRY(auto socket, Socket::connect(port));
        return std::unique_ptr<Connection>(std::make_unique<Http>(std::move(socket)));
    };
}

Opener over_websocket(std::uint16_t port) {
    return [port]() -> Result<std::unique_ptr<Connection>> {
        TRY(auto socket, Socket::connect(port));
        auto out = std::make_unique<WebSocket>(std::move(socket));
        TRY_VOID(out->shake_hands());
        return std::unique_ptr<Connection>(std::move(out));
    };
}

Result<std::string> call(Connection& connection, std::string_view method, std::string_view params) {
    TRY(const auto answer,
        connection.exchange(R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) +
                            R"(","params":)" + std::string(params) + "}"));
    boost::system::error_code problem;
    const auto parsed = boost::json::parse(answer, problem);
    if (problem || !parsed.is_object() || !parsed.get_object().contains("result"))
        return Error{ErrorKind::unavailable,
                     std::string(method) + " is answered by " + answer.substr(0, 300)};
    return boost::json::serialize(parsed.get_object().at("result"));
}

std::string render_ethereum(std::span<const Bytes> transactions) {
    std::string out = "[";
    for (const auto& raw : transactions) {
        if (out.size() > 1) out += ',';
        out += R"({"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x)";
        out += to_hex(raw);
        out += "\"]}";
    }
    return out += ']';
}

Loaded run_load(const Load& load, const std::vector<Sequence>& rows) {
    Loaded out;
    out.row_ends.resize(rows.size());
    std::mutex mutex;  // guards `out`
    const auto cpu_before = own_cpu_s();
    const auto begin = steady_clock::now();
    out.began = begin.time_since_epoch();
    const auto send_row = [&](std::size_t number) {
        const auto& row = rows[number];
        Loaded mine;
        std::size_t at = 0;
        auto sender = load.open(number);
        if (!sender.ok()) mine.trouble = sender.error().message;
        while (mine.trouble.empty() && at < row.size() &&
               steady_clock::now() - begin < load.lasts) {
            const auto some = std::span(row).subspan(at, std::min(load.batch, row.size() - at));
            auto verdict = (*sender)->send(some);
            mine.trouble = verdict.ok() ? verdict->trouble : verdict.error().message;
            if (!mine.trouble.empty()) break;
            if (verdict->no_room) {
                ++mine.sent_again;
                os::SystemClock().sleep(std::chrono::milliseconds(20));
                continue;
            }
            mine.accepted += verdict->accepted;
            at += some.size();
        }
        const std::lock_guard lock(mutex);
        out.accepted += mine.accepted;
        out.sent_again += mine.sent_again;
        out.row_ends[number] = at;
        if (out.trouble.empty()) out.trouble = mine.trouble;
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < rows.size(); ++i) threads.emplace_back(send_row, i);
    for (auto& thread : threads) thread.join();
    out.client_cpu_s = own_cpu_s() - cpu_before;
    return out;
}

std::vector<Probe> probe_finality(const Opener& open, const Sequence& row, Duration lasts) {
    std::vector<Probe> out;
    const auto until = steady_clock::now() + lasts;
    auto connection = open();
    if (!connection.ok()) return out;
    for (const auto& raw : row) {
        const auto begin = steady_clock::now();
        if (begin >= until) break;
        std::string hash, receipt = "null";
        while (receipt == "null") {
            if (hash.empty()) {  // again, when there was no room
                auto sent =
                    call(**connection, "eth_sendRawTransaction", "[\"0x" + to_hex(raw) + "\"]");
                if (sent.ok()) hash = std::move(*sent);
            }
            os::SystemClock().sleep(std::chrono::milliseconds(4));
            if (hash.empty()) continue;
            auto found = call(**connection, "eth_getTransactionReceipt", "[" + hash + "]");
            if (!found.ok() || steady_clock::now() > until + std::chrono::seconds(30)) return out;
            receipt = std::move(*found);
        }
        out.push_back(
            {begin.time_since_epoch(), steady_clock::now().time_since_epoch(), block_of(receipt)});
        os::SystemClock().sleep(std::chrono::milliseconds(37));
    }
    return out;
}

std::vector<double> finality_ms(const std::vector<Probe>& probes) {
    std::vector<double> out;
    for (const auto& probe : probes)
        out.push_back(
            std::chrono::duration<double, std::milli>(probe.final_at - probe.sent_at).count());
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace mutirao::bench
