#include "node/hot_members.hpp"

#include <algorithm>

namespace mutirao::node {

Result<std::shared_ptr<const HotRing>> HotMembers::now() {
    TRY(auto members, find_());
    const std::lock_guard lock(mutex_);
    if (ring_ && ring_->members == members) return ring_;
    if (members.empty())
        return Error{ErrorKind::unavailable, "no node of this network keeps hot shards"};
    std::vector<hot::RingMember> weighed;
    for (const auto& member : members) weighed.push_back({member.node, 1});
    TRY(auto ring, hot::Ring::make(std::move(weighed)));
    ring_ = std::make_shared<const HotRing>(HotRing{std::move(members), std::move(ring)});
    return ring_;
}

HotMembers::Find hot_members_of(Directory& directory) {
    return [&directory]() -> Result<std::vector<HotMember>> {
        TRY(const auto nodes, directory.nodes());
        std::vector<HotMember> out;
        for (const auto& node : nodes)
            if (node.active &&
                (node.role == ledger::Role::compute || node.role == ledger::Role::trainer ||
                 node.role == ledger::Role::gateway))
                out.push_back({node.address, node.endpoint, node.box_key,
                               node.role == ledger::Role::gateway});
        std::sort(out.begin(), out.end(),
                  [](const auto& a, const auto& b) { return a.node < b.node; });
        return out;
    };
}

}  // namespace mutirao::node
