// How views are written: each module's are a table of signatures. Internal to ledger.
#pragma once

#include <span>

#include "ledger/abi.hpp"
#include "ledger/views.hpp"

namespace mutirao::ledger {

struct View {
    std::string_view signature;
    Result<Bytes> (*run)(const ViewContext& context, abi::Reader in);
};

// Results are encoded as arguments are, without the selector.
class Results {
  public:
    abi::Writer& operator*() { return out_; }
    abi::Writer* operator->() { return &out_; }
    Bytes take() {
        auto encoded = std::move(out_).take();
        encoded.erase(encoded.begin(), encoded.begin() + abi::kSelectorSize);
        return encoded;
    }

  private:
    abi::Writer out_{"results()"};
};

inline Bytes one_number(u128 value) {
    Results out;
    out->number(value);
    return out.take();
}
inline Bytes one_word(const Digest& value) {
    Results out;
    out->bytes32(value.span());
    return out.take();
}
inline Bytes one_text(std::string_view value) {
    Results out;
    out->bytes(as_bytes(value));
    return out.take();
}

std::span<const View> asset_token_views();  // of the rights module
std::span<const View> staking_views();
std::span<const View> order_views();
std::span<const View> deal_views();
std::span<const View> dispute_views();       // of the compute module
std::span<const View> validator_views();     // of the staking module
std::span<const View> contribution_views();  // of the training module

}  // namespace mutirao::ledger
