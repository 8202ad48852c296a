#include "net/listen.hpp"

namespace mutirao::net {

namespace asio = boost::asio;
using asio::ip::tcp;

Result<std::uint16_t> listen_at(tcp::acceptor& acceptor, const ListenAddress& wanted) {
    boost::system::error_code problem;
    const tcp::endpoint endpoint(asio::ip::make_address(wanted.host, problem), wanted.port);
    if (!problem) acceptor.open(endpoint.protocol(), problem);
    if (!problem) acceptor.set_option(tcp::acceptor::reuse_address(true), problem);
    if (!problem) acceptor.bind(endpoint, problem);
    if (!problem) acceptor.listen(asio::socket_base::max_listen_connections, problem);
    if (problem)
        return Error{ErrorKind::unavailable,
                     "cannot listen on " + wanted.text() + ": " + problem.message()};
    return acceptor.local_endpoint().port();
}

}  // namespace mutirao::net
