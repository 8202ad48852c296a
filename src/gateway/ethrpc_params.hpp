// Reading the parameters of Ethereum's methods. Errors are invalid_argument, naming the parameter.
// Pure; any thread.
#pragma once

#include "gateway/ethrpc_values.hpp"

namespace mutirao::gateway {

// Which block a method asks about (EIP-1898 included).
struct BlockChoice {
    std::uint64_t height = 0;
    bool latest = false;   // by name: whichever it is by the time of the answer
    bool pending = false;  // with what waits, where that matters
};

struct CallRequest {
    Address from;
    ledger::Call call;
    std::optional<std::uint64_t> gas;
};

// What getLogs and subscriptions ask for. A log matches when its address is one of `addresses` and
// each of its topics is one of those at its place; an empty list takes all.
struct LogFilter {
    std::vector<Address> addresses;
    std::vector<std::vector<Digest>> topics;

    bool matches(const ledger::Log& log) const;
    // False when no log of the block can match.
    bool may_match(const Bloom& bloom) const;
};

inline constexpr std::size_t kFilterChoicesMax = 1000;  // addresses, or topics at one place

class Params {
  public:
    Params(const boost::json::array& values, const EthereumChain& chain)
        : values_(values), chain_(chain) {}

    // Null and absent are alike.
    const boost::json::value* find(std::size_t index) const;
    Result<std::string_view> text(std::size_t index) const;
    Result<Address> address(std::size_t index) const;
    Result<Digest> digest(std::size_t index) const;
    Result<std::uint64_t> number(std::size_t index) const;
    Result<bool> flag(std::size_t index) const;  // false when absent
    // The latest when absent. invalid_argument for an unknown tag; heights above the latest pass.
    Result<BlockChoice> block(std::size_t index) const;
    Result<CallRequest> call(std::size_t index) const;

  private:
    template <class Fixed>
    Result<Fixed> fixed(std::size_t index) const;

    const boost::json::array& values_;
    const EthereumChain& chain_;
};

// "latest", "earliest", "0x1f", {"blockNumber": ...} or {"blockHash": ...}. not_found for a hash
// that no block has.
Result<BlockChoice> read_block_choice(const boost::json::value& written,
                                      const EthereumChain& chain);
// The `address` and `topics` of a filter object.
Result<LogFilter> read_log_filter(const boost::json::object& written);

}  // namespace mutirao::gateway
