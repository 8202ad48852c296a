#include "consensus/comet.hpp"

#include <deque>
#include <mutex>

#include "base/log.hpp"
#include "consensus/abci_wire.hpp"
#include "consensus/chain.hpp"
#include "consensus/comet_snapshots.hpp"
#include "consensus/waiting.hpp"

namespace mutirao::consensus {
namespace {

// Fields of Request's oneof in tendermint/abci/types.proto (v0.38 to v0.40).
enum class Call : std::uint32_t {
    echo = 1,
    flush = 2,
    info = 3,
    init_chain = 5,
    query = 6,
    check_tx = 8,
    commit = 11,
    list_snapshots = 12,
    offer_snapshot = 13,
    load_snapshot_chunk = 14,
    apply_snapshot_chunk = 15,
    prepare_proposal = 16,
    process_proposal = 17,
    extend_vote = 18,
    verify_vote_extension = 19,
    finalize_block = 20,
    insert_tx = 21,
    reap_txs = 22,
};
constexpr std::uint32_t kException = 1;  // of Response; others are one more than their request's
constexpr std::uint32_t kRefused = 1;    // a code
constexpr std::uint32_t kRetry = 32'000;
constexpr std::size_t kListOverhead = 5;  // bytes beside each transaction of a proposal, at most
constexpr std::uint64_t kAccept = 1, kReject = 2;

// What the calls about blocks have in common.
struct Proposal {
    std::vector<Bytes> transactions;
    std::uint64_t height = 0, time_ms = 0;
};

Result<std::uint64_t> read_time(ByteSpan timestamp) {
    std::uint64_t seconds = 0, nanos = 0;
    TRY_VOID(each_field(timestamp, [&](const WireField& field) {
        if (field.number == 1) seconds = field.value;
        if (field.number == 2) nanos = field.value;
    }));
    if (seconds > 1ULL << 40 || nanos >= 1'000'000'000)
        return Error{ErrorKind::corrupt, "a block's time is out of range"};
    return seconds * 1000 + nanos / 1'000'000;
}

// RequestFinalizeBlock and RequestProcessProposal alike.
Result<Proposal> read_proposal(ByteSpan body) {
    Proposal out;
    ByteSpan time;
    TRY_VOID(each_field(body, [&](const WireField& field) {
        if (field.number == 1 && field.is_bytes) out.transactions.push_back(to_bytes(field.bytes));
        if (field.number == 5) out.height = field.value;
        if (field.number == 6) time = field.bytes;
    }));
    TRY(out.time_ms, read_time(time));
    return out;
}

Result<Bytes> bytes_field(ByteSpan body, std::uint32_t number) {
    Bytes out;
    TRY_VOID(each_field(body, [&](const WireField& field) {
        if (field.number == number) out = to_bytes(field.bytes);
    }));
    return out;
}

Result<std::uint64_t> number_field(ByteSpan body, std::uint32_t number) {
    std::uint64_t out = 0;
    TRY_VOID(each_field(body, [&](const WireField& field) {
        if (field.number == number && !field.is_bytes) out = field.value;
    }));
    return out;
}

class CometEngine final : public Engine {
  public:
    CometEngine(Disk& disk, Application& application, EngineOptions options)
        : application_(application),
          options_(std::move(options)),
          chain_(disk, application, options_),
          snapshots_(chain_, application),
          waiting_(application) {}

    Status open() {
        const std::lock_guard lock(mutex_);
        return chain_.open();
    }
    Status submit(ByteSpan transaction) override {
        const std::lock_guard lock(mutex_);
        return take(transaction);
    }
    bool is_waiting(ByteSpan transaction) const override {
        const std::lock_guard lock(mutex_);
        return waiting_.contains(transaction);
    }
    Result<bool> make_block(bool) override {
        const std::lock_guard lock(mutex_);
        if (failed_) return stopped();
        return std::exchange(block_came_, false);
    }
    std::uint64_t bytes_carried() const override {
        const std::lock_guard lock(mutex_);
        return chain_.bytes_carried();
    }
    std::vector<BlockFacts> blocks(std::uint64_t from, std::size_t limit) const override {
        const std::lock_guard lock(mutex_);
        return chain_.blocks(from, limit);
    }
    void with_application(const std::function<void(const Application&)>& look) const override {
        const std::lock_guard lock(mutex_);
        look(application_);
    }
    Conversation converse() override {
        return [this, frames = std::make_shared<AbciFrames>()](ByteSpan bytes) {
            return talk(*frames, bytes);
        };
    }

  private:
    static Error stopped() {
        return {ErrorKind::unavailable, "the ledger has stopped after a disk error; restart it"};
    }
    Result<Bytes> talk(AbciFrames& frames, ByteSpan bytes);
    Result<Bytes> respond(ByteSpan request);
    Result<Bytes> call(Call call, ByteSpan body);
    Status take(ByteSpan transaction);

    Bytes info() const;
    Result<Bytes> init_chain(ByteSpan body);
    Result<Bytes> query(ByteSpan body) const;
    Result<Bytes> check(ByteSpan body);
    Result<Bytes> insert(ByteSpan body);
    Result<Bytes> reap(ByteSpan body);
    Result<Bytes> prepare(ByteSpan body);
    Result<Bytes> process(ByteSpan body);
    Result<Bytes> finalize(ByteSpan body);
    Result<Bytes> commit();

    Application& application_;
    const EngineOptions options_;

    mutable std::mutex mutex_;  // guards everything below, and the application
    Chain chain_;
    CometSnapshots snapshots_;
    Waiting waiting_;
    std::deque<Bytes> to_tell_;     // others have not been told of these transactions
    std::optional<Block> decided_;  // finalized, not committed
    bool block_came_ = false;
    bool failed_ = false;
};

Result<Bytes> CometEngine::talk(AbciFrames& frames, ByteSpan bytes) {
    frames.feed(bytes);
    Bytes out;
    for (;;) {
        TRY(auto request, frames.next());
        if (!request) return out;
        TRY(auto response, respond(*request));
        const auto framed = abci_frame(response);
        out.insert(out.end(), framed.begin(), framed.end());
    }
}

Result<Bytes> CometEngine::respond(ByteSpan request) {
    std::uint32_t number = 0;
    ByteSpan body;
    TRY_VOID(each_field(request, [&](const WireField& field) {
        number = field.number;
        body = field.bytes;
    }));
    const std::lock_guard lock(mutex_);
    auto answer = call(static_cast<Call>(number), body);
    if (answer.ok()) return WireWriter().element(number + 1, *answer).take();
    LOG_WARN("CometBFT was refused: " + answer.error().message);
    const auto exception = WireWriter().text(1, answer.error().message).take();
    return WireWriter().element(kException, exception).take();
}

Result<Bytes> CometEngine::call(Call call, ByteSpan body) {
    if (failed_) return stopped();
    switch (call) {
        case Call::echo: {
            TRY(auto message, bytes_field(body, 1));
            return WireWriter().bytes(1, message).take();
        }
        case Call::flush: return Bytes();
        case Call::info: return info();
        case Call::init_chain: return init_chain(body);
        case Call::query: return query(body);
        case Call::check_tx: return check(body);
        case Call::commit: return commit();
        case Call::list_snapshots: return snapshots_.list();
        case Call::offer_snapshot: return snapshots_.offer(body);
        case Call::load_snapshot_chunk: return snapshots_.load(body);
        case Call::apply_snapshot_chunk: return snapshots_.apply(body);
        case Call::prepare_proposal: return prepare(body);
        case Call::process_proposal: return process(body);
        case Call::extend_vote: return Bytes();  // votes carry nothing of ours
        case Call::verify_vote_extension: {
            TRY(auto extension, bytes_field(body, 4));
            return WireWriter().number(1, extension.empty() ? kAccept : kReject).take();
        }
        case Call::finalize_block: return finalize(body);
        case Call::insert_tx: return insert(body);
        case Call::reap_txs: return reap(body);
    }
    return Error{ErrorKind::unimplemented, "this ledger does not know ABCI request " +
                                               std::to_string(static_cast<std::uint32_t>(call)) +
                                               "; use CometBFT v0.38 or v0.40"};
}

Bytes CometEngine::info() const {
    WireWriter out;
    out.text(1, "mutirao").number(3, 1);
    if (application_.height() > 0)
        out.number(4, application_.height()).bytes(5, application_.state_hash().span());
    return out.take();
}

// The genesis that CometBFT was given names our state, so that two networks are not mixed.
Result<Bytes> CometEngine::init_chain(ByteSpan body) {
    TRY(auto app_state, bytes_field(body, 5));
    TRY(auto first, number_field(body, 6));
    const auto hash = application_.state_hash();
    if (application_.height() != 0 || first > 1)
        return Error{ErrorKind::invalid_argument,
                     "CometBFT begins a chain, but this ledger is at block " +
                         std::to_string(application_.height()) +
                         "; their data folders do not belong together"};
    if (as_text(app_state).find(hash.hex()) == std::string_view::npos)
        return Error{ErrorKind::invalid_argument,
                     "app_state in CometBFT's genesis.json does not name this ledger's genesis, " +
                         hash.hex()};
    return WireWriter().bytes(3, hash.span()).take();
}

Result<Bytes> CometEngine::query(ByteSpan body) const {
    TRY(auto key, bytes_field(body, 1));
    WireWriter out;
    if (auto value = application_.record(key); value.ok() && *value)
        out.bytes(6, key).bytes(7, **value);
    else
        out.number(1, kRefused).text(3, value.ok() ? "no such record" : value.error().message);
    return out.number(9, application_.height()).take();
}

Result<Bytes> CometEngine::check(ByteSpan body) {
    TRY(auto transaction, bytes_field(body, 1));
    const auto checked = application_.check(transaction);
    if (checked.ok()) return Bytes();
    return WireWriter().number(1, kRefused).text(3, checked.error().message).take();
}

Status CometEngine::take(ByteSpan transaction) {
    if (failed_) return stopped();
    if (transaction.size() > kTransactionMax)
        return Error{ErrorKind::invalid_argument,
                     "a transaction has at most " + std::to_string(kTransactionMax) + " bytes"};
    TRY(auto fresh, waiting_.add(transaction));
    if (fresh) to_tell_.push_back(to_bytes(transaction));
    // Without "app" as CometBFT's mempool nobody asks for them.
    if (to_tell_.size() > kWaitingMax) to_tell_.pop_front();
    return {};
}

Result<Bytes> CometEngine::insert(ByteSpan body) {
    TRY(auto transaction, bytes_field(body, 1));
    const auto taken = take(transaction);
    if (taken.ok()) return Bytes();
    const bool full = taken.error().kind == ErrorKind::resource_exhausted;
    return WireWriter().number(1, full ? kRetry : kRefused).take();
}

Result<Bytes> CometEngine::reap(ByteSpan body) {
    TRY(auto limit, number_field(body, 1));
    WireWriter out;
    std::uint64_t bytes = 0;
    while (!to_tell_.empty()) {
        const auto& next = to_tell_.front();
        bytes += next.size();
        if (limit != 0 && bytes > limit) break;
        if (waiting_.contains(next)) out.element(1, next);
        to_tell_.pop_front();
    }
    return out.take();
}

Result<Bytes> CometEngine::prepare(ByteSpan body) {
    TRY(auto limit, number_field(body, 1));
    const auto overhead = kListOverhead * waiting_.all().size();
    const auto room =
        std::min<std::size_t>(kBlockBytesMax, limit > overhead ? limit - overhead : 0);
    WireWriter out;
    for (const auto& transaction : application_.propose(waiting_.all(), room))
        out.element(1, transaction);
    return out.take();
}

// By the block and the committed state alone, so that all honest validators say the same.
Result<Bytes> CometEngine::process(ByteSpan body) {
    auto proposal = read_proposal(body);
    bool good = proposal.ok() && proposal->height == application_.height() + 1 &&
                proposal->transactions.size() <= kBlockTransactionsMax;
    if (good) {
        for (const auto& transaction : proposal->transactions)
            good = good && transaction.size() <= kTransactionMax;
        // Nobody fills blocks with what cannot run.
        good = good && application_.propose(proposal->transactions, kBlockBytesMax) ==
                           proposal->transactions;
    }
    return WireWriter().number(1, good ? kAccept : kReject).take();
}

Result<Bytes> CometEngine::finalize(ByteSpan body) {
    TRY(auto proposal, read_proposal(body));
    if (proposal.height != application_.height() + 1)
        return Error{ErrorKind::invalid_argument,
                     "CometBFT decided block " + std::to_string(proposal.height) +
                         ", but this ledger is at block " + std::to_string(application_.height()) +
                         "; restore the data folders of both from one copy"};
    const auto count = proposal.transactions.size();
    // Time never goes back here even if CometBFT's genesis is older than ours.
    auto block = chain_.next(proposal.time_ms, std::move(proposal.transactions));
    TRY(auto hash, application_.finalize(block.height, block.time_ms, block.transactions));
    decided_ = std::move(block);
    chain_.at("after_finalize");
    WireWriter out;
    for (std::size_t i = 0; i < count; ++i) out.element(2, {});  // code 0
    return out.bytes(5, hash.span()).take();
}

Result<Bytes> CometEngine::commit() {
    if (!decided_) return Error{ErrorKind::invalid_argument, "CometBFT commits before a block"};
    const auto block = std::move(*std::exchange(decided_, std::nullopt));
    const auto done = [&]() -> Status {
        TRY_VOID(chain_.append(block));
        TRY_VOID(chain_.sync());
        return application_.commit();
    }();
    if (!done.ok()) {
        failed_ = true;  // the log may hold a block that memory does not: only a restart is safe
        return done.error();
    }
    chain_.at("after_commit");
    waiting_.forget(block.transactions);
    chain_.finished(block);
    block_came_ = true;
    return Bytes();  // CometBFT keeps all blocks: machines that join late replay them
}

}  // namespace

Result<std::unique_ptr<Engine>> open_comet(Disk& disk, Application& application,
                                           EngineOptions options) {
    auto engine = std::make_unique<CometEngine>(disk, application, std::move(options));
    TRY_VOID(engine->open());
    return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace mutirao::consensus
