// Views of validators, of the staking module.
#include "ledger/validators.hpp"
#include "ledger/view_tables.hpp"

namespace mutirao::ledger {
namespace {

Result<Bytes> validator_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto account, in.address());
    TRY(const auto validator,
        require<Validator>(context.state, key::validator(account), "validator of this account"));
    Results out;
    out->bytes32(validator.key.span()).number(validator.power);
    return out.take();
}

Result<Bytes> validator_of_view(const ViewContext& context, abi::Reader in) {
    TRY(const auto consensus, in.address());
    TRY(const auto known, require<ValidatorKey>(context.state, key::validator_key(consensus),
                                                "account of this validator"));
    Results out;
    out->address(known.account).number(known.faulty);
    return out.take();
}

}  // namespace

std::span<const View> validator_views() {
    namespace v = view_signature;
    static constexpr View kViews[] = {{v::kValidator, validator_view},
                                      {v::kValidatorOf, validator_of_view}};
    return kViews;
}

}  // namespace mutirao::ledger
