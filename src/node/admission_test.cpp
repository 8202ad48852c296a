#include "node/admission.hpp"

#include <gtest/gtest.h>

#include "ledger/records.hpp"
#include "mutirao/v1/ledger.pb.h"
#include "node/wire/fields.hpp"
#include "node/wire/service.hpp"

namespace mutirao::node {
namespace {

constexpr auto kPut = "/mutirao.v1.Fragments/Put";

class HandClock final : public Clock {
  public:
    Duration monotonic() override { return now; }
    std::uint64_t unix_ms() override { return 0; }
    void sleep(Duration duration) override { now += duration; }
    Duration now{0};
};

// A ledger that knows of nodes and nothing else.
class NodesOnly final : public Network {
  public:
    Result<Bytes> call(const std::string&, std::string_view method, ByteSpan request,
                       Duration) override {
        ++asked;
        if (down) return Error{ErrorKind::unavailable, "the ledger is away"};
        v1::ScanRequest scan;
        if (method != "/mutirao.v1.Ledger/Scan" ||
            !scan.ParseFromArray(request.data(), static_cast<int>(request.size())))
            return Error{ErrorKind::unimplemented, std::string(method)};
        v1::ScanReply out;
        if (!scan.after().empty()) return wire::serialize(out);
        for (const auto& node : nodes) {
            auto& record = *out.add_records();
            record.set_key(wire::to_field(ledger::key::node(node.address)));
            record.set_value(wire::to_field(ledger::encode_record(node)));
        }
        return wire::serialize(out);
    }

    void add(std::uint8_t number, ledger::Role role, bool active = true) {
        ledger::NodeRecord node;
        node.address.bytes[0] = number;
        node.role = role;
        node.active = active;
        nodes.push_back(node);
    }

    std::vector<ledger::NodeRecord> nodes;
    bool down = false;
    int asked = 0;
};

struct Registered {
    NodesOnly network;
    HandClock clock;
    LedgerClient ledger{network, "ledger"};
    Directory directory{ledger, clock};

    Status may(std::uint8_t number, std::string_view method) {
        net::Caller caller;
        caller.account.emplace().bytes[0] = number;
        return may_call(directory, caller, method);
    }
};

TEST(Admission, what_changes_a_storage_node_is_for_gateways_and_what_reads_is_for_all) {
    for (const auto* method : {"/mutirao.v1.Fragments/Put", "/mutirao.v1.Storage/Sign",
                               "/mutirao.v1.Storage/Drop", "/mutirao.v1.Keeper/Keep"})
        EXPECT_EQ(caller_role(method), ledger::Role::gateway) << method;
    for (const auto* method : {"/mutirao.v1.Fragments/Rows", "/mutirao.v1.Keeper/Release",
                               "/mutirao.v1.Storage/Usage", "/mutirao.v1.Ledger/Submit", "", "/x"})
        EXPECT_EQ(caller_role(method), ledger::Role::none) << method;
}

TEST(Admission, only_active_nodes_of_the_right_role_are_let_in) {
    Registered here;
    here.network.add(1, ledger::Role::gateway);
    here.network.add(2, ledger::Role::trainer);
    here.network.add(3, ledger::Role::gateway, false);
    EXPECT_TRUE(here.may(1, kPut).ok());
    EXPECT_TRUE(here.may(2, "/mutirao.v1.Train/Exchange").ok());
    EXPECT_EQ(here.may(1, "/mutirao.v1.Train/Exchange").error().kind, ErrorKind::permission_denied);
    for (const std::uint8_t stranger : {2, 3, 4})
        EXPECT_EQ(here.may(stranger, kPut).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(may_call(here.directory, {std::nullopt, "10.0.0.1"}, kPut).error().message,
              std::string(kPut) + " is for registered gateways; 10.0.0.1 is none");
}

TEST(Admission, who_has_just_registered_is_let_in_and_strangers_make_few_questions) {
    Registered here;
    EXPECT_FALSE(here.may(1, kPut).ok());
    const int asked = here.network.asked;
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(here.may(1, kPut).ok());
    EXPECT_EQ(here.network.asked, asked);
    here.network.add(1, ledger::Role::gateway);
    here.clock.sleep(std::chrono::milliseconds(60));
    EXPECT_TRUE(here.may(1, kPut).ok());
}

TEST(Admission, without_the_ledger_only_what_is_open_to_all_is_answered) {
    Registered here;
    here.network.down = true;
    EXPECT_EQ(here.may(1, kPut).error().kind, ErrorKind::unavailable);
    const int asked = here.network.asked;
    EXPECT_TRUE(here.may(1, "/mutirao.v1.Fragments/Rows").ok());
    EXPECT_EQ(here.network.asked, asked);
}

}  // namespace
}  // namespace mutirao::node
