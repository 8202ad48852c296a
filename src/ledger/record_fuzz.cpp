// Records and snapshots from a remote ledger or a damaged disk: whatever decodes is canonical.
#include "base/ensure.hpp"
#include "ledger/calls.hpp"
#include "ledger/contributions.hpp"
#include "ledger/convictions.hpp"
#include "ledger/deals.hpp"
#include "ledger/disputes.hpp"
#include "ledger/ledger.hpp"
#include "ledger/orders.hpp"
#include "ledger/staking.hpp"

using namespace mutirao;
using namespace mutirao::ledger;

namespace {

template <class Record>
void check(ByteSpan bytes) {
    const auto record = decode_record<Record>(bytes);
    if (record.ok()) ENSURE(encode_record(*record) == to_bytes(bytes), "two encodings of a record");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteSpan bytes(data, size);
    check<Account>(bytes);
    check<NodeRecord>(bytes);
    check<EpochRecord>(bytes);
    check<CertifiedBlock>(bytes);
    check<BlockPart>(bytes);
    check<Asset>(bytes);
    check<Licence>(bytes);
    check<Run>(bytes);
    check<ApiKey>(bytes);
    check<ProviderDraw>(bytes);
    check<RoundReports>(bytes);
    check<TrainerRounds>(bytes);
    check<NodeStake>(bytes);
    check<OrderKey>(bytes);
    check<OwnerStake>(bytes);
    check<StorageOffer>(bytes);
    check<Deal>(bytes);
    check<Audit>(bytes);
    check<ContributionPool>(bytes);
    check<Contribution>(bytes);
    check<Conviction>(bytes);
    check<Validator>(bytes);
    check<ValidatorKey>(bytes);
    check<Dispute>(bytes);
    check<Event>(bytes);
    check<Receipt>(bytes);
    check<Genesis>(bytes);
    if (const auto voucher = Voucher::decode(bytes); voucher.ok()) {
        ENSURE(voucher->encode() == to_bytes(bytes), "two encodings of a voucher");
        static_cast<void>(voucher->verify(8021).ok());
    }
    if (History history; history.add_part(bytes).ok())
        ENSURE(history.view().part(0) == to_bytes(bytes), "two encodings of a block's history");
    if (const auto restored = Ledger::restore(bytes); restored.ok())
        ENSURE(restored->snapshot() == to_bytes(bytes), "two encodings of a snapshot");
    return 0;
}
