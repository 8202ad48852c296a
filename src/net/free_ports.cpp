#include "net/free_ports.hpp"

#include <boost/asio/io_context.hpp>
#include <list>

#include "net/listen.hpp"

namespace mutirao::net {
namespace {

constexpr std::size_t kTriesMax = 1000;  // beside those that find one

}  // namespace

Result<std::vector<std::uint16_t>> free_loopback_ports(std::size_t count, Random& random,
                                                       PortRange among) {
    boost::asio::io_context context;
    // All are held until the last is found, so that they differ.
    std::list<boost::asio::ip::tcp::acceptor> held;
    std::vector<std::uint16_t> out;
    for (std::size_t failed = 0; out.size() < count;) {
        if (failed >= kTriesMax)
            return Error{ErrorKind::unavailable, "this machine has too few free ports"};
        const auto port =
            static_cast<std::uint16_t>(among.first + random.below(among.end - among.first));
        if (listen_at(held.emplace_back(context), {"127.0.0.1", port, true}).ok()) {
            out.push_back(port);
        } else {
            held.pop_back();
            ++failed;
        }
    }
    return out;
}

}  // namespace mutirao::net
