#include "sim/fragment_world.hpp"

#include <algorithm>

#include "block/share_message.hpp"

namespace mutirao::sim {
namespace {

std::string name_of(std::uint32_t node) { return "node " + std::to_string(node); }

}  // namespace

struct FragmentWorld::Network {
    std::vector<node::Identity> identities;  // in member order
    publish::Committee committee;
};

// What the ledger would say.
class FragmentWorld::View final : public storage::Memberships, public rights::Licences {
  public:
    explicit View(const publish::Committee& committee) : committee_(committee) {}
    Result<std::shared_ptr<const placement::Placement>> placement(std::uint64_t epoch) override {
        if (epoch != committee_.epoch()) return Error{ErrorKind::not_found, "no such epoch"};
        return committee_.placement;
    }
    Status may_read(const Digest&, const Address&, const Address&, const Digest&) override {
        return Error{ErrorKind::permission_denied, "nobody has a licence here"};
    }

  private:
    const publish::Committee& committee_;
};

const FragmentWorld::Network& FragmentWorld::network_of(std::uint32_t nodes) {
    static std::map<std::uint32_t, Network> networks;
    const auto [at, is_new] = networks.try_emplace(nodes);
    if (!is_new) return at->second;
    SeededRandom random(nodes);
    auto& out = at->second;
    for (std::uint32_t i = 0; i < nodes; ++i)
        out.identities.push_back(node::Identity::derive(random.fixed<Digest>()).value());
    std::sort(out.identities.begin(), out.identities.end(),
              [](const auto& a, const auto& b) { return a.address() < b.address(); });
    placement::Membership membership{1, {}};
    for (const auto& identity : out.identities) {
        membership.members.push_back({identity.address(), 1, ""});
        out.committee.keys.push_back(
            crypto::BlsVerifiedKey::possession_shown(identity.bls.public_key()).value());
    }
    out.committee.placement = std::make_shared<const placement::Placement>(
        placement::Placement::make(std::move(membership)).value());
    return out;
}

FragmentWorld::FragmentWorld(std::uint32_t nodes, std::uint64_t seed)
    : shared_(network_of(nodes)),
      random_(seed),
      network_(clock_, random_),
      view_(std::make_unique<View>(shared_.committee)) {
    for (std::uint32_t i = 0; i < nodes; ++i) {
        nodes_.push_back(std::make_unique<Node>());
        start(i);
        network_.serve(name_of(i), [this, i](std::string_view method, ByteSpan request) {
            return serve(i, method, request);
        });
    }
    calls_ = std::make_unique<node::NetworkStorageCalls>(
        network_, network_, executor_, [this](const Address& address) -> Result<std::string> {
            return name_of(*committee().placement->membership().find(address));
        });
    health_ = std::make_unique<publish::NodeHealth>(clock_);
    disperser_ = std::make_unique<publish::Disperser>(
        *calls_, *health_, clock_,
        publish::DispersalOptions{.chain_id = kSimChain, .grace_max = Duration{0}});
    retriever_ = std::make_unique<publish::Retriever>(*calls_, *health_, clock_);
}

FragmentWorld::~FragmentWorld() = default;

const publish::Committee& FragmentWorld::committee() const { return shared_.committee; }

void FragmentWorld::start(std::uint32_t node) {
    auto& at = *nodes_[node];
    at.role.reset();
    at.role = node::StorageRole::open(at.disk, clock_, random_, shared_.identities[node], kSimChain,
                                      {*view_, *view_,
                                       [](const BlockId&) -> Status {
                                           return Error{ErrorKind::permission_denied, "kept"};
                                       },
                                       [](const BlockId&) -> Result<bool> { return true; }})
                  .value();
}

void FragmentWorld::set_fault(std::uint32_t node, Fault fault) {
    auto& at = *nodes_[node];
    at.fault = fault;
    at.disk.set_capacity(fault == Fault::full ? 1 : ~std::uint64_t{0});
}

void FragmentWorld::crash(std::uint32_t node) {
    auto& at = *nodes_[node];
    at.role.reset();
    at.disk.restart(random_.below(5000));
    start(node);
}

void FragmentWorld::rot(std::uint32_t node) {
    auto& disk = nodes_[node]->disk;
    const std::string path = "segments/00000001.seg";
    const auto file = disk.open(path);
    if (!file.ok() || (*file)->size() < 100) return;
    static_cast<void>(disk.flip_bit(path, 8 * 100 + random_.below(8 * ((*file)->size() - 100))));
}

bool FragmentWorld::holds_share(std::uint32_t node, const BlockId& id) {
    crash(node);
    const auto slots = committee().placement->slots_of(id, node);
    const auto usage = nodes_[node]->role->usage();
    return usage.slots >= slots.size();
}

// Signs whatever it is told, keeping no more than it needs for that.
Result<Bytes> FragmentWorld::forget(std::uint32_t node, std::string_view method, ByteSpan request) {
    if (method != node::kPutFragments)
        return Error{ErrorKind::not_found, "nothing of this is stored here"};
    TRY(auto share, block::ShareMessage::decode(request));
    auto& statements = nodes_[node]->forgotten;
    if (!share.statement.empty()) statements[share.id] = to_bytes(share.statement);
    if (!share.sign || !statements.contains(share.id)) return Bytes{};
    TRY(auto statement, block::Statement::decode(statements.at(share.id)));
    const auto signature = shared_.identities[node].bls.sign(block::availability_message(
        kSimChain, block::certificate_for(statement, committee().epoch())));
    return to_bytes(signature.span());
}

Result<Bytes> FragmentWorld::serve(std::uint32_t node, std::string_view method, ByteSpan request) {
    auto& at = *nodes_[node];
    const auto lost = [&]() -> Error {
        clock_.sleep(std::chrono::seconds(10));
        return {ErrorKind::timeout, "nothing came back"};
    };
    if (at.fault == Fault::down) return Error{ErrorKind::unavailable, "nobody is there"};
    if (at.fault == Fault::forgets) return forget(node, method, request);
    if (at.fault == Fault::loses_words && random_.below(4) == 0) return lost();
    auto answer = at.role->serve(method, request);
    if (at.fault == Fault::loses_words && random_.below(4) == 0) return lost();
    if (at.fault == Fault::garbles && answer.ok() && !answer->empty())
        (*answer)[random_.below(answer->size())] ^=
            static_cast<std::uint8_t>(1 + random_.below(255));
    return answer;
}

Result<publish::Dispersal> FragmentWorld::disperse(std::shared_ptr<const block::CodedBlock> block) {
    return disperser_->disperse(std::move(block), committee());
}

Result<Bytes> FragmentWorld::read(const BlockId& id) {
    TRY(auto read, retriever_->read(id, committee()));
    return std::move(read.content);
}

}  // namespace mutirao::sim
