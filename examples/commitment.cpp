// States a block, checks one node's share of it as that node would, and opens one slot's digest.
#include <cstdio>
#include <mutirao/commitment.h>

using namespace mutirao;

int main() {
    const auto coded = block::code_block(as_bytes("Quem faz mutirão, colhe junto."), {}).value();
    const auto& statement = coded.statement;
    const auto check = block::StatementCheck::open(statement.id(), statement).value();
    const block::SlotRows share[] = {coded.slot(7), coded.slot(200)};
    const bool good = check.check_share(share).ok();

    std::vector<crypto::Scalar> digests;
    for (const auto& leaf : statement.leaves) digests.push_back(crypto::to_scalar(leaf));
    const std::span<const crypto::Scalar> vectors[] = {digests};
    const Digest weights[] = {{{1}}};
    const auto proof = crypto::open_slot(vectors, weights, 7);
    const bool opened = crypto::verify_slot(std::span(&statement.commitment, 1),
                                            std::span(&digests[7], 1), weights, 7, proof);
    std::printf("share %s, slot 7 %s by a proof of %zu bytes\n", good ? "good" : "BAD",
                opened ? "opened" : "NOT OPENED", proof.bytes.size());
    return good && opened ? 0 : 1;
}
