// Any text, as a body and as a message of a session: every answer is JSON-RPC, and nothing that was
// not signed changes the chain.
#include <boost/json.hpp>

#include "base/ensure.hpp"
#include "gateway/ethrpc.hpp"
#include "gateway/test_ethereum_chain.hpp"

namespace {

using namespace mutirao;

class StillClock final : public Clock {
  public:
    Duration monotonic() override { return Duration(0); }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration) override {}
};

// A chain with a data set and a transfer in it.
gateway::TestEthereumChain& chain() {
    static auto* const made = [] {
        auto* out = new gateway::TestEthereumChain();
        out->send(0, ledger::register_data(ledger::digest_of("c"), 1, "t"));
        out->send(1, ledger::transfer(ledger::wallet(2).address(), ledger::Amount(1)));
        return out;
    }();
    return *made;
}

void check(const std::string& answer) {
    if (answer.empty()) return;
    const auto parsed = boost::json::parse(answer);
    const auto check_one = [](const boost::json::value& one) {
        const auto& object = one.as_object();
        ENSURE(object.at("jsonrpc") == "2.0" && object.contains("id"), "no JSON-RPC");
        ENSURE(object.contains("result") != object.contains("error"), "one of both");
    };
    if (const auto* batch = parsed.if_array())
        for (const auto& one : *batch) check_one(one);
    else
        check_one(parsed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static StillClock clock;
    gateway::EthereumRpc rpc(chain(), clock);
    gateway::EthereumSession session(rpc);
    const auto before = chain().chain().ledger.state_hash();
    const auto body = as_text({data, size});
    check(rpc.answer(body));
    check(session.message(body));
    ENSURE(session.news().ok(), "a session of now ends");
    ENSURE(chain().chain().ledger.state_hash() == before, "a question changed the chain");
    return 0;
}
