#include "ledger/convictions.hpp"

#include "ledger/abi.hpp"
#include "ledger/state_keys.hpp"

namespace mutirao::ledger {

namespace key {
Bytes conviction(const Digest& run, const Address& trainer) {
    return tagged(Tag::conviction, run.span(), trainer.span());
}
Bytes convictions(const Digest& run) { return tagged(Tag::conviction, run.span()); }
}  // namespace key

Call accuse_trainer(const Digest& run, const Address& trainer, std::uint32_t round) {
    abi::Writer out(signature::kAccuseTrainer);
    out.bytes32(run.span()).address(trainer).number(round);
    return {module::training(), {}, std::move(out).take()};
}

}  // namespace mutirao::ledger
