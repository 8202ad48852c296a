#include "node/admission.hpp"

#include <gtest/gtest.h>

namespace mutirao::node {
namespace {

TEST(Admission, what_changes_a_storage_node_is_for_gateways_and_what_reads_is_for_all) {
    for (const auto* method : {"/mutirao.v1.Fragments/Put", "/mutirao.v1.Storage/Sign",
                               "/mutirao.v1.Storage/Drop", "/mutirao.v1.Keeper/Keep"})
        EXPECT_EQ(caller_role(method), ledger::Role::gateway) << method;
    for (const auto* method : {"/mutirao.v1.Fragments/Rows", "/mutirao.v1.Keeper/Release",
                               "/mutirao.v1.Storage/Usage", "/mutirao.v1.Ledger/Submit", "", "/x"})
        EXPECT_EQ(caller_role(method), ledger::Role::none) << method;
}

}  // namespace
}  // namespace mutirao::node
