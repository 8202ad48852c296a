#include "ledger/heads.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace mutirao::bench {
namespace {

Result<std::uint64_t> number_of(std::string_view head) {
    constexpr std::string_view kName = "\"number\":\"0x";
    const auto at = head.find(kName);
    std::uint64_t out = 0;
    if (at == head.npos)
        return Error{ErrorKind::corrupt, "no head: " + std::string(head.substr(0, 300))};
    std::from_chars(head.data() + at + kName.size(), head.data() + head.size(), out, 16);
    return out;
}

}  // namespace

Result<std::unique_ptr<Connection>> subscribe_to_heads(std::uint16_t port) {
    TRY(auto out, over_websocket(port)());
    TRY_VOID(call(*out, "eth_subscribe", "[\"newHeads\"]"));
    return out;
}

Result<Heads> hear_heads(Connection& subscribed, const std::atomic<bool>& over) {
    Heads out;
    for (bool last = false; !last;) {
        TRY(const auto head, subscribed.receive());
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        last = over;
        TRY(const auto number, number_of(head));
        out.emplace(number, now);
    }
    return out;
}

Result<std::vector<double>> told_after_ms(const std::vector<Probe>& probes, const Heads& heads) {
    std::vector<double> out;
    for (const auto& probe : probes) {
        const auto head = heads.find(probe.block);
        if (head == heads.end())
            return Error{ErrorKind::not_found,
                         "the head of block " + std::to_string(probe.block) + " was not told"};
        out.push_back(
            std::chrono::duration<double, std::milli>(head->second - probe.sent_at).count());
    }
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace mutirao::bench
