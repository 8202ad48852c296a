#include "node/network_status.hpp"

#include <algorithm>

#include "mutirao/v1/storage.pb.h"
#include "mutirao/v1/train.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

constexpr auto kFresh = std::chrono::seconds(1);
constexpr auto kProbeDeadline = std::chrono::milliseconds(500);
constexpr std::size_t kShown = 200;           // of anything that grows
constexpr std::size_t kRecordsMax = 100'000;  // of one kind

std::string short_text(const Address& address) { return crypto::to_checksum_text(address); }

}  // namespace

std::string_view role_name(ledger::Role role) {
    switch (role) {
        case ledger::Role::storage: return "storage";
        case ledger::Role::compute: return "compute";
        case ledger::Role::gateway: return "gateway";
        case ledger::Role::trainer: return "trainer";
        case ledger::Role::none: break;
    }
    return "unknown";
}

gateway::StatusSnapshot NetworkFacts::snapshot() {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic();
    if (!gathered_ || now - gathered_at_ > kFresh) {
        last_ = gather();
        gathered_at_ = clock_.monotonic();
        gathered_ = true;
    }
    return last_;
}

gateway::StatusSnapshot NetworkFacts::gather() {
    gateway::StatusSnapshot out;
    out.network = "Mutirão";
    out.unix_ms = clock_.unix_ms();
    add_nodes(out);
    add_chain(out);
    add_certificates(out);
    add_assets(out);
    for (const auto& entry : catalogue_.list(std::nullopt))
        out.objects.push_back({entry.name, entry.manifest.size(),
                               static_cast<std::uint32_t>(entry.manifest.blocks.size()),
                               short_text(entry.owner)});
    return out;
}

void NetworkFacts::add_nodes(gateway::StatusSnapshot& out) {
    gateway::NodeStatus ledger{"ledger", "", ledger_.endpoint(), ledger_.status().ok(), 0, 0};
    out.nodes.push_back(std::move(ledger));
    auto nodes = directory_.nodes();
    if (!nodes.ok()) return;
    for (const auto& node : *nodes) {
        gateway::NodeStatus status{std::string(role_name(node.role)),
                                   short_text(node.address),
                                   node.endpoint,
                                   false,
                                   0,
                                   0};
        if (node.role == ledger::Role::storage) {
            auto usage =
                wire::call<v1::UsageReply>(network_, node.endpoint, "/mutirao.v1.Storage/Usage",
                                           v1::UsageRequest{}, kProbeDeadline);
            status.up = usage.ok();
            if (usage.ok()) {
                status.slots = usage->slots();
                status.bytes = usage->bytes();
                out.stored_bytes += usage->bytes();
            }
        } else {
            auto answer =
                network_.call(node.endpoint, "/grpc.health.v1.Health/Check", {}, kProbeDeadline);
            status.up = answer.ok() || answer.error().kind == ErrorKind::unimplemented;
        }
        out.nodes.push_back(std::move(status));
    }
}

void NetworkFacts::add_chain(gateway::StatusSnapshot& out) {
    auto status = ledger_.status();
    if (!status.ok()) return;
    out.consensus_bytes = status->consensus_bytes;
    out.ethereum_url = status->ethereum_url;
    const auto from = status->height > kShown ? status->height - kShown : 0;
    auto blocks = ledger_.blocks(from, kShown + 1);
    if (!blocks.ok()) return;
    for (auto at = blocks->rbegin(); at != blocks->rend(); ++at)
        out.blocks.push_back({at->height, at->time_ms, at->transactions, 0});
    auto count = ledger::read_counter(ledger_, ledger::key::event_count());
    if (!count.ok()) return;
    const std::uint64_t first = *count > 4 * kShown ? *count - 4 * kShown : 0;
    const auto after = first == 0 ? Bytes{} : ledger::key::event(first - 1);
    auto events = ledger_.scan(ledger::key::events(), after, 4 * kShown);
    if (!events.ok()) return;
    for (auto at = events->rbegin(); at != events->rend(); ++at) {
        auto event = ledger::decode_record<ledger::Event>(at->second);
        if (!event.ok()) continue;
        if (event->kind == ledger::EventKind::block_certified)
            for (auto& block : out.blocks) block.certificates += block.height == event->height;
        const bool shown = event->kind == ledger::EventKind::paid &&
                           event->reason != ledger::Reason::fee && out.payments.size() < kShown;
        if (shown)
            out.payments.push_back({event->height, short_text(event->to), event->amount.text(),
                                    std::string(ledger::to_string(event->reason))});
    }
}

void NetworkFacts::add_certificates(gateway::StatusSnapshot& out) {
    auto records =
        ledger::read_all<ledger::CertifiedBlock>(ledger_, ledger::key::blocks(), kRecordsMax);
    if (!records.ok()) return;
    std::sort(records->begin(), records->end(),
              [](const auto& a, const auto& b) { return a.height > b.height; });
    for (const auto& record : *records) {
        if (out.certificates.size() == kShown) break;
        auto certificate = block::Certificate::decode(record.certificate);
        if (certificate.ok() && !record.released)
            out.certificates.push_back({record.height, certificate->id.hex(), certificate->length,
                                        record.slots_signed, block::kSlotCount,
                                        record.certificate.size()});
    }
}

void NetworkFacts::add_assets(gateway::StatusSnapshot& out) {
    auto assets = ledger::read_all<ledger::Asset>(ledger_, ledger::key::assets(), kRecordsMax);
    if (assets.ok())
        for (const auto& asset : *assets) {
            if (asset.kind != ledger::AssetKind::model) continue;
            gateway::ModelStatus model{
                asset.title, asset.id.hex(), asset.price_per_token.text() + " / token", {}};
            for (const auto& share : asset.shares)
                model.shares.push_back({short_text(share.owner), share.ppm});
            out.models.push_back(std::move(model));
        }
    auto runs = ledger::read_all<ledger::Run>(ledger_, ledger::key::runs(), kRecordsMax);
    if (!runs.ok() || runs->empty()) return;
    add_training(out,
                 *std::max_element(runs->begin(), runs->end(), [](const auto& a, const auto& b) {
                     return a.created_ms < b.created_ms;
                 }));
}

void NetworkFacts::add_training(gateway::StatusSnapshot& out, const ledger::Run& run) {
    gateway::TrainingStatus training;
    training.name = run.id.hex().substr(0, 16);
    training.state = run.state == ledger::RunState::finished ? "finished"
                     : run.state == ledger::RunState::closed ? "closed"
                                                             : "open";
    auto endpoint = directory_.endpoint(run.trainers.front());
    if (endpoint.ok()) {
        v1::ProgressRequest request;
        request.set_run(wire::to_field(run.id.span()));
        auto progress = wire::call<v1::ProgressReply>(
            network_, *endpoint, "/mutirao.v1.Train/Progress", request, kProbeDeadline);
        if (progress.ok()) {
            if (run.state == ledger::RunState::open) training.state = progress->phase();
            for (const auto& round : progress->rounds()) {
                gateway::LossPoint point{round.round(), round.train_loss(), round.held_out_loss()};
                if (round.round() == 0) point.training = round.held_out_loss();
                training.losses.push_back(point);
                training.tokens_per_second = round.tokens_per_second();
                training.bytes_exchanged = round.bytes_sent();
                training.allreduce_bytes = round.allreduce_bytes();
            }
        }
    }
    out.training = std::move(training);
}

}  // namespace mutirao::node
