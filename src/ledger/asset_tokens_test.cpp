// Assets as EIP-721 tokens: who may move them, what follows and what stays.
#include "ledger/asset_tokens.hpp"

#include <gtest/gtest.h>

#include "ledger/abi.hpp"
#include "ledger/simulation.hpp"
#include "ledger/test_chain.hpp"

namespace mutirao::ledger {
namespace {

class AssetTokens : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(chain.send(ana, register_data(digest_of("data"), 5, "dados")).ok());
    }
    Address owner() const { return chain.record<Asset>(key::asset(id)).owner; }
    Status move(const crypto::AccountKey& sender, const Address& from, const Address& to) {
        return chain.send(sender, transfer_asset(from, to, id));
    }
    // The first word that a view gives, or its refusal.
    Result<Digest> see(std::string_view signature, std::initializer_list<Digest> arguments) const {
        abi::Writer out(signature);
        for (const auto& argument : arguments) out.bytes32(argument.span());
        const auto seen = simulate(
            {chain.ledger.state(), chain.ledger.genesis(), chain.ledger.time_ms()},
            chain.ledger.height(), bia.address(), {module::rights(), {}, std::move(out).take()});
        if (!seen.status.ok()) return seen.status.error();
        return Digest::from_bytes(ByteSpan(seen.output).first(32));
    }
    static Digest word(std::uint64_t number) {
        return Digest::from_bytes(abi::words({number})).value();
    }
    static Digest word(const crypto::AccountKey& key) { return subject_of(key.address()); }
    std::uint64_t owned(const crypto::AccountKey& key) const {
        return read_counter(chain.ledger.state(), key::assets_owned(key.address())).value();
    }

    TestChain chain;
    const crypto::AccountKey ana = wallet(0), bia = wallet(1), caio = wallet(2);
    const Digest id = asset_id(wallet(0).address(), digest_of("data"));
};

TEST_F(AssetTokens, an_owner_gives_what_it_owns) {
    EXPECT_EQ(move(bia, ana.address(), bia.address()).error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(move(bia, bia.address(), bia.address()).error().kind, ErrorKind::permission_denied);
    EXPECT_FALSE(move(ana, ana.address(), {}).ok());
    EXPECT_FALSE(move(ana, ana.address(), module::rights()).ok());
    EXPECT_EQ(
        chain.send(ana, transfer_asset(ana.address(), bia.address(), digest_of("?"))).error().kind,
        ErrorKind::not_found);
    EXPECT_EQ(owned(ana), 1u);
    ASSERT_TRUE(move(ana, ana.address(), bia.address()).ok());
    EXPECT_EQ(owner(), bia.address());
    EXPECT_EQ(owned(ana), 0u);
    EXPECT_EQ(owned(bia), 1u);
    EXPECT_FALSE(move(ana, ana.address(), caio.address()).ok());
    ASSERT_TRUE(move(bia, bia.address(), bia.address()).ok());
    EXPECT_EQ(owned(bia), 1u);
    // The content is registered still: its id is that of who registered it.
    EXPECT_EQ(chain.send(ana, register_data(digest_of("data"), 5, "")).error().kind,
              ErrorKind::already_exists);
}

TEST_F(AssetTokens, whom_the_owner_approved_moves_one_asset_once) {
    EXPECT_FALSE(chain.send(bia, approve_transfer(bia.address(), id)).ok());
    ASSERT_TRUE(chain.send(ana, approve_transfer(bia.address(), id)).ok());
    EXPECT_EQ(see(view_signature::kGetApproved, {id}).value(), word(bia));
    EXPECT_FALSE(move(caio, ana.address(), caio.address()).ok());
    ASSERT_TRUE(move(bia, ana.address(), caio.address()).ok());
    EXPECT_TRUE(see(view_signature::kGetApproved, {id}).value().is_zero());
    EXPECT_FALSE(move(bia, caio.address(), bia.address()).ok());
}

TEST_F(AssetTokens, an_operator_moves_all_of_an_owners_until_it_is_refused) {
    ASSERT_TRUE(chain.send(ana, approve_all_transfers(bia.address(), true)).ok());
    EXPECT_EQ(see(view_signature::kIsApprovedForAll, {word(ana), word(bia)}).value(), word(1));
    ASSERT_TRUE(chain.send(bia, approve_transfer(caio.address(), id)).ok());
    ASSERT_TRUE(move(bia, ana.address(), caio.address()).ok());
    EXPECT_FALSE(move(bia, caio.address(), bia.address()).ok());  // not an operator of caio's
    ASSERT_TRUE(move(caio, caio.address(), ana.address()).ok());
    ASSERT_TRUE(chain.send(ana, approve_all_transfers(bia.address(), false)).ok());
    EXPECT_FALSE(move(bia, ana.address(), bia.address()).ok());
    EXPECT_FALSE(chain.send(ana, approve_all_transfers({}, true)).ok());
}

TEST_F(AssetTokens, licences_follow_the_asset) {
    const LicenceTerms terms{Purpose::infer, kOneMut, 0, kStartMs + 1'000'000};
    const auto provider = caio;
    const auto licence = licence_id(id, subject_of(provider.address()));
    ASSERT_TRUE(chain.send(ana, offer_licence(id, subject_of(provider.address()), terms)).ok());
    ASSERT_TRUE(move(ana, ana.address(), bia.address()).ok());
    // The old owner's offer is void, for its price would be the old owner's.
    EXPECT_FALSE(chain.send(provider, accept_licence(licence, kOneMut)).ok());
    EXPECT_EQ(
        chain.send(ana, offer_licence(id, subject_of(provider.address()), terms)).error().kind,
        ErrorKind::permission_denied);
    ASSERT_TRUE(chain.send(bia, offer_licence(id, subject_of(provider.address()), terms)).ok());
    ASSERT_TRUE(chain.send(provider, accept_licence(licence, kOneMut)).ok());
    EXPECT_EQ(chain.received(bia.address(), Reason::licence), kOneMut);
    ASSERT_TRUE(move(bia, bia.address(), ana.address()).ok());
    EXPECT_FALSE(chain.send(bia, revoke_licence(licence)).ok());
    EXPECT_TRUE(chain.send(ana, revoke_licence(licence)).ok());
}

TEST_F(AssetTokens, a_royalty_is_whoever_registered_its) {
    EXPECT_FALSE(chain.send(bia, set_royalty(id, 1)).ok());
    EXPECT_FALSE(chain.send(ana, set_royalty(id, kRoyaltyMaxPpm + 1)).ok());
    ASSERT_TRUE(chain.send(ana, set_royalty(id, 50'000)).ok());
    ASSERT_TRUE(move(ana, ana.address(), bia.address()).ok());
    EXPECT_FALSE(chain.send(bia, set_royalty(id, 0)).ok());
    EXPECT_FALSE(chain.send(ana, set_royalty(id, 60'000)).ok());
    EXPECT_EQ(see(view_signature::kRoyaltyInfo, {id, word(2000)}).value(), word(ana));
    const auto asset = chain.record<Asset>(key::asset(id));
    EXPECT_EQ(asset.royalty_ppm, 50'000u);
}

TEST_F(AssetTokens, views_answer_as_the_standards_say) {
    namespace v = view_signature;
    EXPECT_EQ(see(v::kOwnerOf, {id}).value(), word(ana));
    EXPECT_EQ(see(v::kOwnerOf, {digest_of("?")}).error().kind, ErrorKind::not_found);
    EXPECT_EQ(see(v::kTokenUri, {digest_of("?")}).error().kind, ErrorKind::not_found);
    EXPECT_EQ(see(v::kBalanceOf, {word(ana)}).value(), word(1));
    EXPECT_FALSE(see(v::kBalanceOf, {word(0)}).ok());
    const auto supports = [&](std::uint32_t interface) {
        Digest out;
        for (std::size_t i = 0; i < 4; ++i)
            out.bytes[i] = static_cast<std::uint8_t>(interface >> (24 - 8 * i));
        return see(v::kSupportsInterface, {out}).value() == word(1);
    };
    // The ids are what EIP-165 makes of the methods' selectors.
    namespace s = signature;
    std::uint32_t erc721 = 0;
    for (const auto& method : {v::kBalanceOf, v::kOwnerOf, s::kTransferFrom, s::kSafeTransferFrom,
                               s::kSafeTransferFromData, s::kApprove, s::kSetApprovalForAll,
                               v::kGetApproved, v::kIsApprovedForAll})
        erc721 ^= abi::selector(method);
    EXPECT_TRUE(supports(erc721));
    EXPECT_TRUE(supports(abi::selector(v::kName) ^ abi::selector(v::kSymbol) ^
                         abi::selector(v::kTokenUri)));
    EXPECT_TRUE(supports(abi::selector(v::kRoyaltyInfo)));
    EXPECT_TRUE(supports(abi::selector(v::kSupportsInterface)));
    EXPECT_FALSE(supports(0xffffffff));
    EXPECT_FALSE(supports(0x36372b07));  // EIP-20
}

}  // namespace
}  // namespace mutirao::ledger
