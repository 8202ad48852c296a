// From an HTTP request with an API key to a provider's paid answer.
#pragma once

#include <mutex>
#include <optional>

#include "gateway/openai.hpp"
#include "node/directory.hpp"

namespace mutirao::node {

inline constexpr std::string_view kApiKeyPrefix = "mut-";

// "mut-" and the session key's 32 bytes in hex. Whoever holds it may spend what its wallet locked.
std::string api_key_text(const crypto::AccountKey& session);
Result<crypto::AccountKey> session_of(std::string_view api_key);

// Any thread may call. All references must outlive it.
class PaidInference final : public gateway::InferenceRoute {
  public:
    PaidInference(LedgerClient& ledger, Directory& directory, Network& network, Clock& clock,
                  Random& random)
        : ledger_(ledger),
          directory_(directory),
          network_(network),
          clock_(clock),
          random_(random) {}

    // Whom to ask, of those that serve a model; else the first. Before any call.
    void ask_only(const Address& provider) { only_ = provider; }
    Result<gateway::InferenceAnswer> infer(std::string_view api_key,
                                           const gateway::ParsedRequest& request) override;
    std::vector<gateway::ModelCard> models() override;

  private:
    Result<ledger::Asset> find_model(const std::string& name);
    Result<ledger::NodeRecord> find_provider(const Digest& model);
    // That it is open and can pay for so many tokens.
    Status check_key(const crypto::AccountKey& session, const ledger::Asset& model,
                     std::uint32_t max_tokens);

    LedgerClient& ledger_;
    Directory& directory_;
    Network& network_;
    Clock& clock_;
    Random& random_;
    std::optional<Address> only_;
    std::mutex pay_mutex_;  // vouchers of one key are cumulative: one request pays at a time
};

}  // namespace mutirao::node
