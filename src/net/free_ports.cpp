#include "net/free_ports.hpp"

#include <boost/asio/io_context.hpp>
#include <list>

#include "net/listen.hpp"

namespace mutirao::net {

Result<std::vector<std::uint16_t>> free_loopback_ports(std::size_t count) {
    boost::asio::io_context context;
    // All are held until the last is found, so that they differ.
    std::list<boost::asio::ip::tcp::acceptor> held;
    std::vector<std::uint16_t> out;
    while (out.size() < count) {
        TRY(auto port, listen_at(held.emplace_back(context), {"127.0.0.1", 0, true}));
        out.push_back(port);
    }
    return out;
}

}  // namespace mutirao::net
