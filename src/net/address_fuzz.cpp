// Addresses that people and other nodes write: what is read is written so that it reads the same.
#include "base/ensure.hpp"
#include "net/address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutirao;
    const auto text = as_text({data, size});
    if (const auto listen = net::parse_listen_address(text); listen.ok()) {
        const auto again = net::parse_listen_address(listen->text());
        ENSURE(again.ok() && again->host == listen->host && again->port == listen->port &&
               again->loopback == listen->loopback);
    }
    if (const auto place = net::parse_host_port(text); place.ok())
        ENSURE(place->port != 0 && !place->host.empty() && place->host.size() <= 253);
    if (const auto peer = net::parse_peer(text); peer.ok() && peer->account) {
        const auto again = net::parse_peer(net::peer_name(*peer->account, peer->address));
        ENSURE(again.ok() && again->account == peer->account && again->address == peer->address);
    }
    return 0;
}
