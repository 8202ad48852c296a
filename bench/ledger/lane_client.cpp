#include "ledger/lane_client.hpp"

#include <chrono>

#include "crypto/peer_certificate.hpp"
#include "lane/batch.hpp"
#include "net/channel_network.hpp"
#include "net/grpc_network.hpp"
#include "node/channel_door.hpp"
#include "node/ledger_lane.hpp"
#include "os/random.hpp"

namespace mutirao::bench {
namespace {

constexpr auto kDeadline = std::chrono::seconds(30);

// One machine's way to the ledger, for all authors on it.
struct Channel {
    os::SystemRandom random;
    net::GrpcNetwork control{crypto::make_peer_certificate(crypto::AccountKey::generate(random))};
    net::ChannelNetwork data{
        [this](const std::string& peer) { return node::ask_for_door(control, peer); }, random};
};

class LaneSender final : public Sender {
  public:
    LaneSender(std::shared_ptr<Channel> channel, std::string endpoint, std::uint64_t chain_id)
        : channel_(std::move(channel)), endpoint_(std::move(endpoint)), chain_id_(chain_id) {}

    Result<Verdict> send(std::span<const Bytes> transactions) override {
        lane::Batch batch;
        batch.sequence = sequence_;
        batch.transactions.assign(transactions.begin(), transactions.end());
        batch.sign(author_, chain_id_);
        const auto answer =
            channel_->data.call(endpoint_, node::kPutBatch, batch.encode(), kDeadline);
        if (!answer.ok() && answer.error().kind == ErrorKind::resource_exhausted)
            return Verdict{0, true, {}};
        TRY_VOID(answer.ok() ? Status() : Status(answer.error()));
        ++sequence_;
        return Verdict{transactions.size(), false, {}};
    }

  private:
    const std::shared_ptr<Channel> channel_;  // of all senders
    const std::string endpoint_;
    const std::uint64_t chain_id_;
    const crypto::AccountKey author_ = crypto::AccountKey::generate(channel_->random);
    std::uint64_t sequence_ = 0;
};

}  // namespace

SenderOpener by_lane(const std::string& endpoint, std::uint64_t chain_id) {
    return [channel = std::make_shared<Channel>(), endpoint,
            chain_id](std::size_t) -> Result<std::unique_ptr<Sender>> {
        return std::unique_ptr<Sender>(std::make_unique<LaneSender>(channel, endpoint, chain_id));
    };
}

}  // namespace mutirao::bench
