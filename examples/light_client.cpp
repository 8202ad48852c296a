// A light client: it knows one hash, and believes what a ledger shows it under that hash.
#include "mutirao/light_client.h"

#include <cstdio>

#include "ledger/ledger.hpp"

using namespace mutirao;

// Knows nothing of the ledger but the hash.
static Result<ledger::Amount> balance(const Digest& trusted, const Address& of, ByteSpan header,
                                      ByteSpan proof) {
    TRY(auto block, ledger::StateHeader::decode(header));
    if (block.hash() != trusted)
        return Error{ErrorKind::corrupt, "the header is not that of the hash"};
    TRY(auto shown, ledger::StateProof::decode(proof));
    TRY(auto record, ledger::verify(block.tree_root, ledger::key::account(of), shown));
    if (!record) return ledger::Amount();
    TRY(auto account, ledger::decode_record<ledger::Account>(*record));
    return account.balance;
}

int main() {
    Address ana, bia;
    ana.bytes.fill(1), bia.bytes.fill(2);
    ledger::Genesis genesis;
    genesis.allocations = {{ana, ledger::Amount::parse("12.5").value()}};
    const auto chain = ledger::Ledger::begin(genesis).value();
    const auto header = chain.header().encode();
    const auto of_ana = chain.prove(ledger::key::account(ana)).value().encode();
    const auto of_bia = chain.prove(ledger::key::account(bia)).value().encode();

    const auto& hash = chain.state_hash();
    std::printf("ana has %s, bia has %s, ",
                balance(hash, ana, header, of_ana).value().text().c_str(),
                balance(hash, bia, header, of_bia).value().text().c_str());
    auto forged = of_ana;
    forged[17 + 4] ^= 1;
    const auto refused = balance(hash, ana, header, forged);
    std::printf("a forged balance is %s\n", refused.ok() ? "believed" : "refused");
    return refused.ok() ? 1 : 0;
}
